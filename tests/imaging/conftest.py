"""Fixtures of imaging."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from imaging import onnx_models
from tests.support import weights

PHOTOGRAPHS = Path(__file__).parent / "photographs"


@pytest.fixture(scope="session")
def _fetched() -> Path:
    return weights.fetch()


@pytest.fixture
def models(_fetched: Path, settings: Settings) -> Iterator[None]:
    """The real models."""
    settings.IMAGE_MODELS_DIR = _fetched
    onnx_models.session.cache_clear()
    yield
    onnx_models.session.cache_clear()


@pytest.fixture
def no_models(settings: Settings, tmp_path: Path) -> None:
    """A machine without models."""
    settings.IMAGE_MODELS_DIR = tmp_path / "no-models"
    onnx_models.session.cache_clear()
