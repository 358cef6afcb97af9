"""Imports models that were trained elsewhere, with a small network in the shape of MobileNetV3."""

import json
import logging
import shutil
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from onnx import TensorProto, helper, load_from_string, numpy_helper
from onnx.external_data_helper import set_external_data

from ml_server.exceptions import NoServingVersion, Unprocessable
from ml_server.handlers import handler_factories
from ml_server.recipes import DEFAULT_MODEL
from ml_server.registry import Registry
from ml_server.service import SHIPPED_MODELS, Service
from tests.ml_server.unit.sample_images import encoded, in_base64, noise
from tests.ml_server.unit.test_preprocessing import reference

NAME = "mobilenetv3"
CLASSES = [f"class {number}" for number in range(1000)]
WEIGHTS = np.random.default_rng(0).normal(size=(3, 1000)).astype(np.float32)


def network(weights: np.ndarray[Any, np.dtype[np.float32]], side: int = 224) -> bytes:
    """The mean of each channel, then one layer: from (n, 3, 224, 224) to a logit for each class."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, side, side])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", weights.shape[1]])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx: bytes = model.SerializeToString()
    return onnx


def without_weights(onnx: bytes) -> bytes:
    """Moves the weights to an external file that exists."""
    model = load_from_string(onnx)
    (tensor,) = model.graph.initializer
    set_external_data(tensor, location="README.md", length=len(tensor.raw_data))
    tensor.ClearField("raw_data")
    whole: bytes = model.SerializeToString()
    return whole


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The folder of shipped models, with the files that README.md tells users to add."""
    shutil.copytree(SHIPPED_MODELS, tmp_path / "shipped")
    (tmp_path / "shipped" / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS))
    (tmp_path / "shipped" / NAME / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return tmp_path / "shipped"


def opened(shipped: Path) -> Registry:
    return Registry(shipped.parent / "state", handler_factories(), names=[DEFAULT_MODEL], shipped=shipped)


def states(registry: Registry) -> dict[str, str]:
    return {each["version"]: each["state"] for each in registry.describe(NAME)["versions"]}


@pytest.mark.parametrize("size", [(640, 480), (224, 224), (100, 150)])
def test_it_predicts_the_same_as_an_independent_calculation(shipped: Path, size: tuple[int, int]) -> None:
    image = noise(*size)
    model = opened(shipped).version_for({"model": NAME})
    found = model.predict({"image": in_base64(encoded(image))})
    logits = reference(np.asarray(image), 232, 224).mean(axis=(2, 3)) @ WEIGHTS
    probabilities = np.exp(logits - logits.max())[0]
    probabilities /= probabilities.sum()
    best = np.argsort(-probabilities)[:5]
    assert [each["label"] for each in found] == [CLASSES[index] for index in best]
    assert [each["confidence"] for each in found] == pytest.approx(probabilities[best], rel=0.01)


def test_it_needs_only_the_two_files(shipped: Path) -> None:
    model = opened(shipped).version_for({"model": NAME})
    assert model.identity == {"name": NAME, "version": "1"}
    assert model.metadata["classes"] == CLASSES
    assert model.metadata["example"]["model"] == NAME
    assert len(model.predict(model.metadata["example"])) == 5


def test_it_imports_each_file_once_and_does_not_promote_later_ones(shipped: Path) -> None:
    assert states(opened(shipped)) == states(opened(shipped)) == {"1": "serving"}
    (shipped / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * 2))
    assert states(opened(shipped)) == {"2": "kept", "1": "serving"}
    registry = opened(shipped)
    registry.store(NAME).promote("2")
    assert states(opened(shipped)) == {"2": "serving", "1": "kept"}


def edit(shipped: Path, **members: object) -> None:
    path = shipped / NAME / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


REFUSED = {
    "garbage": (lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(b"garbage"), "ONNX Runtime can't load it"),
    "a pickle": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(b"\x80\x04N."),
        "ONNX Runtime can't load it",
    ),
    "weights elsewhere": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(without_weights(network(WEIGHTS))),
        "its weights are in another file",
    ),
    "another shape": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS, side=128)),
        "its metadata is invalid (InvalidArgument",
    ),
    "another digest": (lambda home: edit(home, onnx_sha256="0" * 64), "the ONNX file differs from onnx_sha256"),
    "fewer classes": (
        lambda home: (home / NAME / "classes.txt").write_text("one\ntwo\n"),
        "its output is not one finite number for each class",
    ),
    "weights that are NaN": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * np.float32(np.nan))),
        "its output is not one finite number for each class",
    ),
    "no classes": (lambda home: (home / NAME / "classes.txt").unlink(), "FileNotFoundError"),
    "no JSON": (lambda home: (home / NAME / "metadata.json").write_text("{"), "JSONDecodeError"),
    "no object": (lambda home: (home / NAME / "metadata.json").write_text("[]"), "AttributeError"),
    "unknown task": (lambda home: edit(home, task="magic"), "its task must be one of"),
    "unknown output": (lambda home: edit(home, output={"name": "x"}), "an output x"),
    "no preprocessing": (lambda home: edit(home, preprocessing={}), "its metadata is invalid (KeyError: 'mean')"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses_an_invalid_model_with_a_reason_and_keeps_the_serving_version(
    shipped: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    opened(shipped)
    # Without the damage this would become a new version.
    (shipped / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * 2))
    damage, reason = REFUSED[case]
    damage(shipped)  # type: ignore[no-untyped-call]
    with caplog.at_level(logging.WARNING):
        assert states(opened(shipped)) == {"1": "serving"}
    (line,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert NAME in line
    assert reason in line


def test_it_skips_a_model_whose_file_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert NAME not in Registry(tmp_path, handler_factories(), names=[DEFAULT_MODEL], shipped=SHIPPED_MODELS).names
    assert "mobilenetv3 is not imported: its file mobilenetv3.onnx is missing, see models/README.md" in caplog.messages


def test_it_serves_an_imported_model_after_its_source_is_deleted(shipped: Path) -> None:
    opened(shipped)
    shutil.rmtree(shipped / NAME)
    assert opened(shipped).version_for({"model": NAME}).version == "1"


def test_it_imports_a_damaged_model_again(shipped: Path) -> None:
    opened(shipped)
    (shipped.parent / "state" / NAME / "1" / "model.onnx").write_bytes(b"garbage")
    assert states(opened(shipped)) == {"2": "serving", "1": "refused"}


def test_it_trains_only_models_with_a_recipe(shipped: Path) -> None:
    service = Service(shipped.parent / "state", Event(), shipped=shipped)
    with pytest.raises(Unprocessable) as caught:
        service.retrain({"model": NAME}, None)
    assert (
        caught.value.field_errors[0].detail == f"can't be trained here: use one of {DEFAULT_MODEL}, handwritten-digits"
    )


def test_model_info_lists_every_serving_model(client: FlaskClient) -> None:
    names = [model["name"] for model in client.get("/api/v1/model-info").get_json()["models"]]
    assert names == [DEFAULT_MODEL, "handwritten-digits"]


def named_network() -> bytes:
    """A network that holds the names of its classes, as `fetch_models` writes it."""
    model = load_from_string(network(WEIGHTS))
    model.graph.output[0].name = model.graph.node[-1].output[0] = "probabilities"
    model.metadata_props.add(key="classes", value=json.dumps(CLASSES))
    onnx: bytes = model.SerializeToString()
    return onnx


def test_it_imports_a_model_as_soon_as_its_weights_are_fetched(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    service = Service(tmp_path / "state", Event(), weights=weights)
    body = {"model": "efficientnet-lite0", "image": in_base64(encoded(noise(300, 200)))}
    with pytest.raises(NoServingVersion):
        service.predict(body)
    weights.mkdir()
    (weights / "efficientnet-lite0.onnx").write_bytes(named_network())
    answer = service.predict(body)
    assert answer["model"] == {"name": "efficientnet-lite0", "version": "1"}
    assert len(answer["predictions"]) == 5
    (info,) = [each for each in service.info()["models"] if each["name"] == "efficientnet-lite0"]
    assert info["classes"] == CLASSES
    assert service.predict(info["example"])["model"] == answer["model"]
    assert Service(tmp_path / "state", Event(), weights=weights).models() == service.models()


def test_it_refuses_fetched_weights_without_classes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "efficientnet-lite0.onnx").write_bytes(network(WEIGHTS))
    service = Service(tmp_path / "state", Event(), weights=tmp_path)
    assert "efficientnet-lite0" not in [each["name"] for each in service.models()["models"]]
    assert "efficientnet-lite0 is refused" in caplog.text
