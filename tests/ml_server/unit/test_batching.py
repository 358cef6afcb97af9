"""Dynamic batching: the answers are those of lone predictions. A body that needs more is left to its caller."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import onnx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_server.handlers import handler_factories
from ml_server.model_version import ModelVersion
from ml_server.service import Service
from ml_server.settings import BadSetting, read_settings
from ml_server.version_files import VersionFiles

BAD = {
    "not JSON": b"{",
    "an unknown model": b'{"model": "none"}',
    "another version": b'{"version": "1"}',
    "a missing feature": b'{"features": {}}',
    "an image": b'{"model": "handwritten-digits", "image": ""}',
}


@pytest.fixture
def service(app: Flask) -> Service:
    found: Service = app.extensions["ml_server"]
    return found


def varied(example: dict[str, Any], number: int) -> bytes:
    """The example, with each feature moved a little towards the lowest value."""
    features = {name: value * (1 - number / 200) for name, value in example["features"].items()}
    return json.dumps({**example, "features": features, "patient_name": f"Lee {number}"}).encode()


def test_each_answer_of_a_batch_is_that_of_a_lone_prediction(
    service: Service, client: FlaskClient, example: dict[str, Any]
) -> None:
    raws = [varied(example, number) for number in range(40)]
    alone = [client.post("/api/v1/predict", data=raw).data for raw in raws]
    assert service.batches.answer(raws) == alone
    assert len(set(alone)) > 1


def test_it_leaves_bodies_that_need_more_to_their_callers(service: Service, example: dict[str, Any]) -> None:
    good = varied(example, 1)
    raws = [good, *BAD.values(), good]
    first, *others, last = service.batches.answer(raws)
    assert others == [None] * len(BAD)
    assert first == last
    assert first


def test_it_leaves_all_to_their_callers_if_the_model_fails(
    service: Service, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_batch: object) -> None:
        raise MemoryError

    monkeypatch.setattr(service.default_version.handler, "predict", fail)
    assert service.batches.answer([varied(example, 1)] * 3) == [None] * 3


def test_status_counts_batches(service: Service, example: dict[str, Any]) -> None:
    before = service.status()
    service.batches.answer([varied(example, 1)] * 7)
    service.batches.answer([varied(example, 1)])
    after = service.status()
    assert after["requests"] == before["requests"] + 8
    assert after["batching"]["batches"] == before["batching"]["batches"] + 1
    assert after["batching"]["predictions"] == before["batching"]["predictions"] + 7
    assert after["batching"]["largest"] >= 7


def test_a_model_that_takes_one_row_at_a_time_is_not_batched(app: Flask, model: ModelVersion) -> None:
    folder = Path(app.extensions["ml_server"]._registry.store(model.name)._files.folder)
    files = VersionFiles(folder)
    network = onnx.load_from_string(files.onnx(1))
    assert model.can_batch
    network.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    raw = network.SerializeToString()
    metadata = {key: value for key, value in files.metadata(1).items() if key != "onnx_sha256"}
    fixed = ModelVersion(raw, {**metadata, "onnx_sha256": sha256(raw).hexdigest()}, handler_factories())
    assert not fixed.can_batch
    assert fixed.predict(metadata["example"]) == model.predict(metadata["example"])


@pytest.mark.parametrize("size", ["0", "257", "many"])
def test_it_refuses_a_batch_size_out_of_range(size: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="PREDICT_BATCH_SIZE"):
        read_settings({"PREDICT_BATCH_SIZE": size, "VAR_DIR": str(tmp_path)})
