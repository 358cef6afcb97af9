from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.dataset import Dataset
from ml_server.model_version import ModelVersion
from ml_server.params import Params
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.recipes.handwritten_digits import HandwrittenDigits
from ml_server.train import TrainingResult
from tests.ml_server.unit.helpers import trained_with


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return BreastCancer().load_dataset()


@pytest.fixture(scope="session")
def trained(dataset: Dataset) -> TrainingResult:
    return trained_with(BreastCancer(), dataset, Params())


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return HandwrittenDigits().load_dataset()


@pytest.fixture(scope="session")
def trained_digits(digits: Dataset) -> TrainingResult:
    """Trained with another seed than the shipped model."""
    return trained_with(HandwrittenDigits(), digits, Params(seed=1))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Shared by tests that do not change it."""
    return create_app(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def model(app: Flask) -> ModelVersion:
    found: ModelVersion = app.extensions["ml_server"].default_version
    return found


@pytest.fixture
def example(model: ModelVersion) -> dict[str, Any]:
    """A body that predict accepts. Each test gets a copy of its own."""
    return {**model.metadata["example"], "features": dict(model.metadata["example"]["features"])}
