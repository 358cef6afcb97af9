import json
import math
from typing import Any

from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_server.handlers.tabular import TabularHandler
from ml_server.model_version import ModelVersion
from ml_server.params import RETRAIN_SCHEMA
from ml_server.validation import SchemaValidator

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
FAST = settings(max_examples=50, deadline=None, database=None)


def is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def mutated(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """A valid body with a few mistakes, or none."""
    names = list(body["features"])
    changes = draw(st.dictionaries(st.sampled_from(names), SCALARS | st.floats(0, 1e6, allow_nan=False), max_size=3))
    extra = draw(st.dictionaries(st.text(), ANY_JSON, max_size=1))
    features = body["features"] | changes | draw(st.just({}) | st.dictionaries(st.text(), SCALARS, max_size=1))
    for name in draw(st.lists(st.sampled_from(names), max_size=1)):
        features.pop(name, None)
    return extra | body | {"features": features}


@given(raw=st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
@FAST
def test_it_never_fails_on_any_bytes(client: FlaskClient, raw: bytes) -> None:
    answer = client.post("/api/v1/predict", data=raw)
    assert 400 <= answer.status_code < 500
    assert answer.get_json()["error"]


@given(draw=st.data())
@FAST
def test_it_never_fails_on_nearly_valid_features(client: FlaskClient, model: ModelVersion, draw: st.DataObject) -> None:
    body = draw.draw(st.composite(mutated)(model.metadata["example"]))
    answer = client.post("/api/v1/predict", data=json.dumps(body))
    assert answer.status_code in {200, 404, 422}


@given(draw=st.data())
@FAST
def test_the_fast_path_agrees_with_the_published_schema(model: ModelVersion, draw: st.DataObject) -> None:
    body = draw.draw(st.composite(mutated)(model.metadata["example"]))
    # The parser returns no NaN.
    features = {name: value for name, value in body["features"].items() if not is_nan(value)}
    body["features"] = features
    assert isinstance(model.handler, TabularHandler)
    assert model.handler.is_valid(body) == (not SchemaValidator(model.metadata["input_schema"]).errors(body))


@given(params=st.dictionaries(st.sampled_from([*RETRAIN_SCHEMA["properties"]["params"]["properties"], "x"]), ANY_JSON))
@FAST
def test_it_never_fails_on_any_parameters(client: FlaskClient, params: dict[str, Any]) -> None:
    body = {"params": params | {"min_seconds": -1}}  # always invalid, otherwise each example would start a training
    answer = client.post("/api/v1/retrain", data=json.dumps(body))
    assert answer.status_code == 422
    assert "params.min_seconds" in {error["field"] for error in answer.get_json()["fields"]}
