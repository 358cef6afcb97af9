"""`POST /ml/v1/predict/`, within this process, in front of a model server on a real socket."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from ml_proxy.records import Record
from tests.support.model import PREDICTION, ScriptedModel

BODY = {"doctor_name": "Dr. Kim", "patient_name": "Lee", "x": 1}


def post(gateway: Client, body: Any = BODY, **fields: Any) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return gateway.post("/ml/v1/predict/", data, content_type="application/json", **fields)


def test_it_answers_with_the_models_bytes_and_journals_one_record(
    gateway: Client, journaled: Callable[[], list[Record]]
) -> None:
    response = post(gateway)
    assert (response.status_code, response.content) == (200, PREDICTION)
    [record] = journaled()
    assert str(record.id) == response["X-Inference-ID"]
    assert (record.doctor_name, record.model_name, record.model_version) == ("Dr. Kim", "stub", "7")
    assert record.output_data.encode() == PREDICTION


@pytest.mark.parametrize(
    "body",
    [
        b'{"z":1, "doctor_name":"a" ,"patient_name":"b","a":2}   \n',
        b'{"doctor_name":"a","patient_name":"b","n":[1e999,-0,123456789012345678901234567890.0,"\\ud800\\u0000"]}',
    ],
)
def test_it_forwards_the_body_byte_for_byte(gateway: Client, model: ScriptedModel, body: bytes) -> None:
    assert post(gateway, body).status_code == 200
    assert model.requests[-1].body == body
