"""Sends copies of the heads off this host: to a folder, such as a mounted share, or to a bucket of S3.

Somebody who rolls back the database and this host's disk together can't roll back the copies. `verify_log --heads`
compares with them.
"""

import logging
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from recording.publisher.heads import FILE_NAME

log = logging.getLogger(__name__)

STORAGE = "heads"  # in settings.STORAGES, if HEADS_COPY_TO is set
RETRY = timedelta(minutes=1)


class HeadCopies:
    """Sends a copy of the journal's `heads.json` each `HEADS_COPY_SECONDS`, if it has changed."""

    def __init__(self, journal: Path) -> None:
        self._path = journal / FILE_NAME
        self._sent = b""
        self._due_at = datetime.min.replace(tzinfo=UTC)

    def step(self) -> None:
        """Sends a copy if one is due. A failure is logged, and tried again: it must not stop publishing."""
        now = datetime.now(UTC)
        if STORAGE not in settings.STORAGES or now < self._due_at or not self._path.exists():
            return
        try:
            content = self._path.read_bytes()
            if content != self._sent:
                storages[STORAGE].save(copy_name(now), ContentFile(content))
            self._sent, self._due_at = content, now + timedelta(seconds=settings.HEADS_COPY_SECONDS)
        except Exception as exc:  # noqa: BLE001 - each storage library raises its own errors
            log.warning("no copy of the heads could be sent to HEADS_COPY_TO (%s)", type(exc).__name__)
            self._due_at = now + RETRY


def copy_name(now: datetime) -> str:
    """The name of this host's copy; names sort by time."""
    return f"heads-{socket.gethostname()}-{now:%Y%m%dT%H%M%S.%fZ}.json"
