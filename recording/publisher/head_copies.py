"""Sends copies of the heads off this host: to a folder, such as a mounted share, or to a bucket of S3.

Somebody who rolls back the database and this host's disk together can't roll back the copies. `verify_log --heads`
compares with them.
"""

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from recording.publisher.heads import FILE_NAME, FOLDED_NAME

log = logging.getLogger(__name__)

STORAGE = "heads"  # in settings.STORAGES, if HEADS_COPY_TO is set
RETRY_SECONDS = 60.0


class HeadCopies:
    """Sends a copy of each file of saved heads each `HEADS_COPY_SECONDS`, if it has changed.

    A thread of their own sends them: a mounted share may hang for ever, and no record must wait for it.
    """

    def __init__(self, journal: Path) -> None:
        self._paths = [journal / name for name in (FOLDED_NAME, FILE_NAME)]  # in this order: heads move to the first
        self._sent: dict[Path, bytes] = {}  # the digests of what was sent
        self._due_at = 0.0  # time.monotonic() seconds
        self._thread: threading.Thread | None = None

    def step(self) -> None:
        """Begins to send copies that are due, unless others are still being sent. A failure is only logged."""
        if STORAGE in settings.STORAGES and time.monotonic() >= self._due_at and not self._is_sending:
            try:
                contents = {path: path.read_bytes() for path in self._paths if path.exists()}
            except OSError as exc:
                self._postpone(exc)
                return
            if contents:
                self._begin(contents)

    def _begin(self, contents: Mapping[Path, bytes]) -> None:
        """Takes what both files had at one moment, between two changes: so no head is in neither copy."""
        self._due_at = time.monotonic() + settings.HEADS_COPY_SECONDS
        self._thread = threading.Thread(target=self._send, args=(contents,), name="head-copies", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Waits for copies that are being sent, at most `seconds`."""
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def _is_sending(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _send(self, contents: Mapping[Path, bytes]) -> None:
        try:
            for path, content in contents.items():
                digest = hashlib.sha256(content).digest()
                if digest != self._sent.get(path):
                    storages[STORAGE].save(copy_name(path, datetime.now(UTC)), ContentFile(content))
                    self._sent[path] = digest
        except Exception as exc:  # noqa: BLE001 - each storage library raises its own errors
            self._postpone(exc)

    def _postpone(self, exc: Exception) -> None:
        log.warning("no copy of the heads could be sent to HEADS_COPY_TO (%s)", type(exc).__name__)
        self._due_at = time.monotonic() + RETRY_SECONDS


def copy_name(path: Path, now: datetime) -> str:
    """The name of this host's copy of a file; names sort by time."""
    return f"{path.stem}-{socket.gethostname()}-{now:%Y%m%dT%H%M%S.%fZ}.json"


def copies_in(folder: Path) -> list[Path]:
    """The copies in a folder, of either file."""
    return sorted(path for name in (FILE_NAME, FOLDED_NAME) for path in folder.glob(f"{Path(name).stem}*.json"))
