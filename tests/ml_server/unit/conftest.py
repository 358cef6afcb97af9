from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.courses.biopsies import Biopsies
from ml_server.courses.digits import HandwrittenDigits
from ml_server.dataset import DataSet
from ml_server.model import Model
from ml_server.params import Params
from ml_server.training import Trained
from tests.ml_server.unit.steps import trained_with


@pytest.fixture(scope="session")
def data() -> DataSet:
    return Biopsies().load()


@pytest.fixture(scope="session")
def trained(data: DataSet) -> Trained:
    return trained_with(Biopsies(), data, Params())


@pytest.fixture(scope="session")
def digits() -> DataSet:
    return HandwrittenDigits().load()


@pytest.fixture(scope="session")
def trained_digits(digits: DataSet) -> Trained:
    """Of another seed than the shipped one."""
    return trained_with(HandwrittenDigits(), digits, Params(seed=1))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Shared by tests that change nothing."""
    return create_app(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def model(app: Flask) -> Model:
    found: Model = app.extensions["ml_server"].model
    return found


@pytest.fixture
def example(model: Model) -> dict[str, Any]:
    """A body that predict accepts; the test's own."""
    return {**model.card["example"], "features": dict(model.card["example"]["features"])}
