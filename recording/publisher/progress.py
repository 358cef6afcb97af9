"""The progress file beside the journal: how far each segment is confirmed. Probes read from it how much waits."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from recording.journal.segment import SegmentName

FILE_NAME = "progress.json"


class Progress:
    """The offsets up to which all of a segment's records are confirmed, in bytes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._offsets = read(folder)
        self._saved = dict(self._offsets)

    def update(self, confirmed: Mapping[SegmentName, int]) -> None:
        """Sets the segments' offsets. They never decrease, even when a restarted publisher reads from the start."""
        offsets = {str(name): offset for name, offset in confirmed.items()}
        self._offsets = {name: max(offset, self._offsets.get(name, 0)) for name, offset in offsets.items()}

    def save(self) -> None:
        """Writes the file if anything changed. Raises `OSError`."""
        if self._offsets != self._saved:
            write_atomically(self._path, self._offsets)
            self._saved = dict(self._offsets)


def read(folder: Path) -> dict[str, int]:
    """Offsets by segment file name; empty if the file is missing or damaged, so that all entries count as waiting."""
    try:
        saved = json.loads((folder / FILE_NAME).read_text())
        return {str(name): int(offset) for name, offset in saved.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_atomically(path: Path, members: Mapping[str, Any]) -> None:
    """Writes a JSON file atomically, mode 0600, synced. Raises `OSError`."""
    draft = path.with_suffix(".draft")
    with open(draft, "wb", opener=_private) as file:
        file.write(orjson.dumps(members))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
