"""Fixtures of the tests of attachments."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support.stored_files import PADDING_BYTES


@pytest.fixture
def folder(files_folder: Path, settings: Settings) -> Path:
    """The storage's folder, with a size limit that a short text exceeds."""
    settings.INLINE_MAX_BYTES = PADDING_BYTES
    return files_folder
