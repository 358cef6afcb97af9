"""How far each segment is confirmed, noted beside the journal: what is behind waits, for whoever asks how much."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from recording.journal.segment import SegmentName

FILE_NAME = "progress.json"


class Progress:
    """The offsets up to which all of a segment's records are confirmed, in bytes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._offsets = read(folder)
        self._saved = dict(self._offsets)

    def note(self, confirmed: Mapping[SegmentName, int]) -> None:
        """The segments that are there. A publisher that begins anew has read less than was confirmed before it."""
        names = {str(name): offset for name, offset in confirmed.items()}
        self._offsets = {name: max(offset, self._offsets.get(name, 0)) for name, offset in names.items()}

    def save(self) -> None:
        """Writes what is new. Raises `OSError`."""
        if self._offsets != self._saved:
            write_whole(self._path, self._offsets)
            self._saved = dict(self._offsets)


def read(folder: Path) -> dict[str, int]:
    """Offsets by the segments' file names; nothing where none are kept, for then all may be waiting."""
    try:
        found = json.loads((folder / FILE_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): int(offset) for name, offset in found.items()}


def write_whole(path: Path, figures: Mapping[str, int]) -> None:
    """Writes a JSON file, 0600, synced, the whole of it or nothing. Raises `OSError`."""
    draft = path.with_suffix(".draft")
    with open(draft, "wb", opener=_private) as file:
        file.write(orjson.dumps(figures))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
