"""Copies of the heads on their way off this host. What they prove is in `test_verify_log.py`."""

import socket
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from attachments.storage.s3 import READ_SECONDS
from recording.publisher import journal_folder
from recording.publisher.head_copies import HeadCopies
from tests.support.folded import save_heads, write_origin
from tests.support.s3 import BUCKET, CREDENTIALS
from tests.support.wait import DEADLINE_SECONDS


@pytest.mark.django_db
def test_a_storage_that_hangs_does_not_stop_the_publisher(settings: Settings, tmp_path: Path) -> None:
    """It takes connections and never answers, so an attempt to send ends after twice `READ_SECONDS`."""
    settings.VAR_DIR = tmp_path
    write_origin(journal_folder(), "A")
    save_heads(journal_folder())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = {"bucket_name": BUCKET, "endpoint_url": endpoint, "region_name": "us-east-1", **CREDENTIALS}
        bucket = {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "heads": bucket}
        copies, begun = HeadCopies(journal_folder()), time.monotonic()
        copies.step()
        assert time.monotonic() - begun < READ_SECONDS
    copies.wait(DEADLINE_SECONDS)
