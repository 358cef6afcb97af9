"""Entries of runs: for any answer of a model, MLflow gets texts and numbers that it accepts."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest

from common.ids import uuid7
from integrations.mlflow.entries import Entry, key_of, of_inference, of_inferences, without_names
from ml_proxy.models import InferenceLog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(output: str = "{}", **columns: object) -> InferenceLog:
    texts = {"input_data": "{}", "output_data": output, "model_name": "", "model_version": "", "request_id": "r"}
    return InferenceLog(**{"predicted_at": NOON, "latency_ms": 2.0, **texts, **columns})


def entry(output: str) -> Entry:
    return of_inference(row(output))


def test_it_sorts_predictions_by_confidence() -> None:
    found = entry('{"predictions": [{"label": "a", "confidence": 0.25}, {"label": "b/\\u0000", "confidence": 0.75}]}')
    assert found.params == {"prediction": "b/ "}
    assert found.metrics == {"latency_ms": 2.0, "confidence": 0.75, "confidence_b_ ": 0.75, "confidence_a": 0.25}


@pytest.mark.parametrize(
    "output",
    [
        "null",
        "[]",
        "1e999",
        '{"predictions": null}',
        '{"predictions": [null, 1, [], {}]}',
        '{"predictions": [{"label": "a"}, {"confidence": "0.5"}, {"label": "a", "confidence": true}]}',
        '{"predictions": [{"label": "a", "confidence": 1e999}]}',
        '{"predictions": {"label": "a", "confidence": 1}}',
        "[" * 512 + "]" * 512,
    ],
)
def test_it_accepts_an_output_without_predictions(output: str) -> None:
    found = entry(output)
    assert (found.params, found.metrics) == ({}, {"latency_ms": 2.0})
    assert found.files["output.json"].decode() == output
    [of_day] = of_inferences([row(output)], uuid7(), 1)
    assert of_day.metrics == {"inferences": 1, "latency_ms_mean": 2.0, "latency_ms_max": 2.0}


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"\x89PNG\r\n\x1a\n rest", "input.png"), (b"\xff\xd8\xff rest", "input.jpg"), (b"RIFF", None), (b"", None)],
)
@pytest.mark.parametrize("form", ["{}", " {}\n", "data:image/x;base64,{}"])
def test_it_extracts_the_image_of_the_input(data: bytes, name: str | None, form: str) -> None:
    body = json.dumps({"patient_name": "Lee", "image": form.format(b64encode(data).decode()), "n": 1e300})
    files = dict(of_inference(row(input_data=body)).files)
    assert json.loads(files.pop("input.json")).keys() == {"image", "n"}
    assert files == {"output.json": b"{}", **({name: data} if name else {})}


@pytest.mark.parametrize(
    "image", ["1e999", "null", '["iVBORw0KGgo="]', '"iVBORw0KGgo"', '"iVBORw0KGgo=é"', f'"iVBORw0KGgo{"A" * 2**23}"']
)
def test_it_accepts_an_input_without_an_image(image: str) -> None:
    assert of_inference(row(input_data=f'{{"image": {image}}}')).files.keys() == {"input.json", "output.json"}
    assert of_inference(row(input_data=f"[{image}]")).files.keys() == {"input.json", "output.json"}


def test_a_run_begins_when_the_model_was_called() -> None:
    found = entry("{}")
    assert ((found.ended_at - found.started_at).total_seconds(), found.ended_at) == (0.002, NOON)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"doctor_name": "A", "patient_name": "B"}', "{}"),
        ('{"patient\\u005fname": "B", "x": [1.10]}', '{ "x": [1.10]}'),
        ('{"x": {"patient_name": 1}}', '{"x": {"patient_name": 1}}'),
        (' [{"doctor_name": 1}]', ' [{"doctor_name": 1}]'),
        ('"doctor_name"', '"doctor_name"'),
    ],
)
def test_it_removes_the_names_from_the_outermost_object(text: str, expected: str) -> None:
    assert without_names(text) == expected


def test_keys_are_unique_and_stable() -> None:
    assert key_of("inferences", "m", "1") != key_of("inferences", "m1", "")
    assert UUID(key_of("a")) == UUID(key_of("a"))


def test_a_long_model_name_is_cut_to_the_limit_of_mlflow() -> None:
    one, other = (row(model_name="x" * 200, model_version="y" * 199 + end) for end in "ab")
    entries = of_inferences([one, other], uuid7(), 1)
    assert len({entry.key for entry in entries}) == 2
    for entry in entries:
        assert max(map(len, [entry.name, *entry.tags.values(), *entry.params.values()])) <= 250


def test_a_long_label_is_cut_to_the_limit_of_mlflow() -> None:
    found = entry('{"predictions": [{"label": "' + "x" * 9000 + '", "confidence": 1}]}')
    assert max(map(len, [*found.params.values(), *found.metrics])) <= 250
