"""Models that were trained elsewhere; a small network stands for MobileNetV3, with its shape and its metadata."""

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

from ml_server.courses import DEFAULT
from ml_server.exceptions import Unprocessable
from ml_server.handlers import handlers
from ml_server.registry import Registry
from ml_server.service import SHIPPED, Service
from tests.ml_server.unit.pictures import encoded, in_base64, noise
from tests.ml_server.unit.test_preparation import reference

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
    """Says that they are in another file, one that can be read."""
    model = load_from_string(onnx)
    (tensor,) = model.graph.initializer
    set_external_data(tensor, location="README.md", length=len(tensor.raw_data))
    tensor.ClearField("raw_data")
    whole: bytes = model.SerializeToString()
    return whole


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The folder of shipped models, and what its reader is told to add to it."""
    shutil.copytree(SHIPPED, tmp_path / "shipped")
    (tmp_path / "shipped" / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS))
    (tmp_path / "shipped" / NAME / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return tmp_path / "shipped"


def opened(shipped: Path) -> Registry:
    return Registry(shipped.parent / "state", handlers(), names=[DEFAULT], shipped=shipped)


def states(registry: Registry) -> dict[str, str]:
    return {each["version"]: each["state"] for each in registry.describe(NAME)["versions"]}


@pytest.mark.parametrize("size", [(640, 480), (224, 224), (100, 150)])
def test_it_answers_as_the_whole_calculation_done_by_hand(shipped: Path, size: tuple[int, int]) -> None:
    image = noise(*size)
    model = opened(shipped).model({"model": NAME})
    found = model.predict({"image": in_base64(encoded(image))})
    logits = reference(np.asarray(image), 232, 224).mean(axis=(2, 3)) @ WEIGHTS
    shares = np.exp(logits - logits.max())[0]
    shares /= shares.sum()
    surest = np.argsort(-shares)[:5]
    assert [each["label"] for each in found] == [CLASSES[place] for place in surest]
    assert [each["confidence"] for each in found] == pytest.approx(shares[surest], rel=0.01)


def test_it_needs_no_more_than_the_two_files(shipped: Path) -> None:
    model = opened(shipped).model({"model": NAME})
    assert model.label == {"name": NAME, "version": "1"}
    assert model.card["classes"] == CLASSES
    assert model.card["example"]["model"] == NAME
    assert len(model.predict(model.card["example"])) == 5


def test_it_takes_in_each_file_once_and_later_ones_wait_to_be_promoted(shipped: Path) -> None:
    assert states(opened(shipped)) == states(opened(shipped)) == {"1": "serving"}
    (shipped / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * 2))
    assert states(opened(shipped)) == {"2": "kept", "1": "serving"}
    registry = opened(shipped)
    registry.shelf(NAME).promote("2")
    assert states(opened(shipped)) == {"2": "serving", "1": "kept"}


def edit(shipped: Path, **members: object) -> None:
    path = shipped / NAME / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


REFUSED = {
    "garbage": (lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(b"garbage"), "ONNX Runtime refuses it"),
    "a pickle": (lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(b"\x80\x04N."), "ONNX Runtime refuses it"),
    "weights elsewhere": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(without_weights(network(WEIGHTS))),
        "keeps its weights in another file",
    ),
    "another shape": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS, side=128)),
        "its metadata can't be used (InvalidArgument",
    ),
    "another digest": (lambda home: edit(home, onnx_sha256="0" * 64), "not the one that was saved"),
    "fewer classes": (
        lambda home: (home / NAME / "classes.txt").write_text("one\ntwo\n"),
        "does not give a number for each class",
    ),
    "numbers that are none": (
        lambda home: (home / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * np.float32(np.nan))),
        "does not give a number for each class",
    ),
    "no classes": (lambda home: (home / NAME / "classes.txt").unlink(), "FileNotFoundError"),
    "no JSON": (lambda home: (home / NAME / "metadata.json").write_text("{"), "JSONDecodeError"),
    "no object": (lambda home: (home / NAME / "metadata.json").write_text("[]"), "AttributeError"),
    "no such task": (lambda home: edit(home, task="magic"), "its task is none of"),
    "no such output": (lambda home: edit(home, output={"name": "x"}), "an output x"),
    "no preprocessing": (lambda home: edit(home, preprocessing={}), "its metadata can't be used (KeyError: 'mean')"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses_a_bad_file_with_its_reason_and_the_old_one_goes_on(
    shipped: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    opened(shipped)
    (shipped / NAME / "mobilenetv3.onnx").write_bytes(network(WEIGHTS * 2))  # a new one, were it not for the harm
    harm, reason = REFUSED[case]
    harm(shipped)  # type: ignore[no-untyped-call]
    with caplog.at_level(logging.WARNING):
        assert states(opened(shipped)) == {"1": "serving"}
    (line,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert NAME in line
    assert reason in line


def test_it_waits_for_a_file_that_nobody_has_put_there_yet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert NAME not in Registry(tmp_path, handlers(), names=[DEFAULT], shipped=SHIPPED).known
    assert "mobilenetv3 waits for its file mobilenetv3.onnx: see models/README.md" in caplog.messages


def test_it_serves_what_was_taken_in_when_the_source_is_gone(shipped: Path) -> None:
    opened(shipped)
    shutil.rmtree(shipped / NAME)
    assert opened(shipped).model({"model": NAME}).version == "1"


def test_it_takes_a_damaged_model_in_again(shipped: Path) -> None:
    opened(shipped)
    (shipped.parent / "state" / NAME / "1" / "model.onnx").write_bytes(b"garbage")
    assert states(opened(shipped)) == {"2": "serving", "1": "refused"}


def test_it_trains_only_what_it_has_a_course_for(shipped: Path) -> None:
    service = Service(shipped.parent / "state", Event(), shipped=shipped)
    with pytest.raises(Unprocessable) as caught:
        service.retrain({"model": NAME}, None)
    assert caught.value.faults[0].detail == f"can't be trained here; those that can: {DEFAULT}, handwritten-digits"


def test_it_tells_of_every_model_that_serves(client: FlaskClient) -> None:
    names = [model["name"] for model in client.get("/api/v1/model-info").get_json()["models"]]
    assert names == [DEFAULT, "handwritten-digits"]
