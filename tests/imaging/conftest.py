"""Fixtures of imaging."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from imaging import onnx_models
from tests.support import weights

if TYPE_CHECKING:
    from tests.support.desk_server import DeskServer

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


@pytest.fixture
def desks(
    gateway: Client, empty_redis: str, files_folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator["DeskServer"]:
    """The gateway with a scripted server for pictures and providers. A stage is tried again without a pause."""
    from tests.support import desk_server  # noqa: PLC0415 - models load once Django is set up

    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat within the test's transaction
    monkeypatch.setattr("jobs.stages.PAUSES", (0.0, 0.0))
    server = desk_server.DeskServer()
    for name, value in desk_server.settings_of(server.url).items():
        setattr(settings, name, float(value) if name.endswith(("PRICE", "LIMIT")) else value)
    settings.IMAGE_HOSTS = [server.url]
    yield server
    server.close()
