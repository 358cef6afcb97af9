"""Sends copies of the heads off this host: to a folder, such as a mounted share, or to a bucket of S3.

Somebody who rolls back the database and this host's disk together can't roll back the copies. `verify_log --heads`
compares with them.
"""

import hashlib
import logging
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from recording.publisher.heads import FILE_NAME, FOLDED_NAME

log = logging.getLogger(__name__)

STORAGE = "heads"  # in settings.STORAGES, if HEADS_COPY_TO is set
RETRY = timedelta(minutes=1)


class HeadCopies:
    """Sends a copy of each file of saved heads each `HEADS_COPY_SECONDS`, if it has changed.

    That of folded heads goes first, as they leave the other one.
    """

    def __init__(self, journal: Path) -> None:
        self._copies = [_HeadCopy(journal / name) for name in (FOLDED_NAME, FILE_NAME)]

    def step(self) -> None:
        """Sends copies that are due. A failure is logged, and tried again: it must not stop publishing."""
        if STORAGE in settings.STORAGES:
            for each in self._copies:
                each.step(datetime.now(UTC))


class _HeadCopy:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._sent = b""  # the digest of its content
        self._due_at = datetime.min.replace(tzinfo=UTC)

    def step(self, now: datetime) -> None:
        if now < self._due_at or not self._path.exists():
            return
        try:
            content = self._path.read_bytes()
            digest = hashlib.sha256(content).digest()
            if digest != self._sent:
                storages[STORAGE].save(copy_name(self._path, now), ContentFile(content))
            self._sent, self._due_at = digest, now + timedelta(seconds=settings.HEADS_COPY_SECONDS)
        except Exception as exc:  # noqa: BLE001 - each storage library raises its own errors
            log.warning("no copy of the heads could be sent to HEADS_COPY_TO (%s)", type(exc).__name__)
            self._due_at = now + RETRY


def copy_name(path: Path, now: datetime) -> str:
    """The name of this host's copy of a file; names sort by time."""
    return f"{path.stem}-{socket.gethostname()}-{now:%Y%m%dT%H%M%S.%fZ}.json"


def copies_in(folder: Path) -> list[Path]:
    """The copies in a folder, of either file."""
    return sorted(path for name in (FILE_NAME, FOLDED_NAME) for path in folder.glob(f"{Path(name).stem}*.json"))
