"""Is it a desk? From the classes of ImageNet that stand on one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from imaging import onnx_models
from imaging.services.interface import Kind, Usage
from imaging.weights.catalogue import CLASSIFIER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from imaging.pictures import Picture

RESIZED, SIDE = 256, 224  # pixels: of the shorter side, and of the square in its middle
MEAN, SCALE = 127.0, 128.0  # as in the training, see `imaging.weights.efficientnet`
TOP = 5

# Numbers of classes. A photograph of a desk shows several of these, so their probabilities are added up.
DESK_CLASSES = {
    "desk": 526,
    "desktop computer": 527,
    "keyboard": 508,
    "laptop": 620,
    "monitor": 664,
    "mouse": 673,
    "notebook": 681,
    "screen": 782,
    "space bar": 810,
}


@dataclass(frozen=True)
class Label:
    """A class and its probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Classification:
    """Whether it is a desk, the classes that made it so (or not), and the surest classes."""

    is_desk: bool
    desk_probability: float
    desk_labels: tuple[Label, ...]
    top: tuple[Label, ...]

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Classification:
        """From the members of `described`."""
        labels = {name: tuple(Label(**each) for each in members[name]) for name in ("desk_labels", "top")}
        return cls(members["classify"], members["desk_probability"], **labels)

    def described(self) -> dict[str, Any]:
        """As JSON members."""
        return {
            "classify": self.is_desk,
            "desk_probability": self.desk_probability,
            "desk_labels": [vars(label) for label in self.desk_labels],
            "top": [vars(label) for label in self.top],
        }


class ImageNet:
    """EfficientNet-Lite0 on this machine."""

    provider = "local"

    def run(self, given: Picture, usage: Usage) -> Classification:
        """Classifies a picture. Raises `ModelMissing`."""
        usage.model, usage.model_version = CLASSIFIER.name, CLASSIFIER.version
        found = classified(probabilities(given), settings.DESK_THRESHOLD)
        usage.answer = found.described()
        return found

    def info(self) -> dict[str, Any]:
        """Its model, and what it looks at."""
        return {
            "model": CLASSIFIER.name,
            "version": CLASSIFIER.version,
            "licence": CLASSIFIER.licence,
            "resolution": f"{SIDE}x{SIDE}",
            "threshold": settings.DESK_THRESHOLD,
            "classes": list(DESK_CLASSES),
        }


def classified(found: NDArray[Any], threshold: float) -> Classification:
    """What 1,000 probabilities say."""
    names = _names()
    desk = [Label(name, round(float(found[number]), 4)) for name, number in DESK_CLASSES.items()]
    total = round(float(sum(found[number] for number in DESK_CLASSES.values())), 4)
    top = [Label(names[number], round(float(found[number]), 4)) for number in (-found).argsort()[:TOP]]
    shown = sorted(desk, key=lambda label: -label.probability)[:TOP]
    return Classification(total >= threshold, total, tuple(shown), tuple(top))


def probabilities(picture: Picture) -> NDArray[Any]:
    """The probability of each of the 1,000 classes, shape (1000,). Raises `ModelMissing`."""
    session = onnx_models.session(CLASSIFIER)
    found: NDArray[Any] = session.run(None, {"image": _tensor(picture)})[0][0]
    return found


def _tensor(picture: Picture) -> NDArray[Any]:
    """The middle of the picture, shape (1, 3, 224, 224)."""
    import numpy as np  # noqa: PLC0415 - only where a picture is classified
    from PIL.Image import Resampling  # noqa: PLC0415

    image = picture.image
    factor = RESIZED / min(image.size)
    resized = image.resize((round(image.width * factor), round(image.height * factor)), Resampling.BICUBIC)
    left, top = (resized.width - SIDE) // 2, (resized.height - SIDE) // 2
    pixels = np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)), np.float32)
    return np.ascontiguousarray(((pixels - MEAN) / SCALE).transpose(2, 0, 1)[np.newaxis])


def _names() -> list[str]:
    names: list[str] = json.loads(onnx_models.session(CLASSIFIER).get_modelmeta().custom_metadata_map["classes"])
    return names


DESK_CLASSIFY: Kind[Picture, Classification] = Kind("desk_classify", "IMAGE_CLASSIFIER")
