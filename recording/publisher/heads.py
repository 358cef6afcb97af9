"""Origins' heads, saved outside the database too, so that rows deleted together with their head show.

    heads.json = {origin: {"host": …, "key": key id, "settled": "1-5000", "erased": 3, "ended": …, "seal": base64}}

Each entry has a seal of its own, like a row of `Origin`, so a copy of the file can be kept anywhere. A saved head only
grows: whatever the database says later, its numbers were settled once.
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from common.number_set import NumberSet
from recording.models import Origin
from recording.origins import Head
from recording.publisher.progress import write_atomically
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

FILE_NAME = "heads.json"
DAMAGED_NAME = "heads.damaged"
OVERLAP = timedelta(minutes=10)  # longer than a transaction: its head becomes visible after its `changed_at`


class DamagedHeads(Exception):
    """The heads saved beside the journal can't be read."""


class SavedHead(NamedTuple):
    """A head as saved. `is_genuine` is whether its own seal verifies; None if its key is not configured."""

    host: str
    key_id: str
    settled: NumberSet
    erased: int
    ended: bool
    seal: bytes

    def is_genuine(self, origin: UUID) -> bool | None:
        """Whether its own seal verifies; None if its key is not configured."""
        try:
            key = keyring().find(self.key_id)
        except UnknownKey:
            return None
        return self.seal == key.head(origin, self.host, str(self.settled), self.erased, ended=self.ended)

    def as_json(self) -> dict[str, Any]:
        """Its JSON members."""
        return {
            "host": self.host,
            "key": self.key_id,
            "settled": str(self.settled),
            "erased": self.erased,
            "ended": self.ended,
            "seal": b64encode(self.seal).decode(),
        }


SavedHeads = dict[UUID, SavedHead]


class Heads:
    """The heads saved in a journal's folder: those of all origins that the database knows or knew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._saved: SavedHeads = {}
        self._is_saved = True
        self._read_to: datetime | None = None
        self._is_read = self._read()
        if not self._is_read:
            log.error("%s can't be read now. It is tried again, and is not replaced until then.", self._path)

    def _read(self) -> bool:
        """Reads the file; False if the disk fails, since it may answer later. A damaged file is renamed."""
        try:
            self._saved = read(self._path.parent)
        except DamagedHeads as exc:
            if isinstance(exc.__cause__, OSError):
                return False
            log.error("%s It is renamed to %s, and replaced by the heads in the database.", exc, DAMAGED_NAME)
            with suppress(OSError):  # a disk error here must not stop publishing
                self._path.rename(self._path.with_name(DAMAGED_NAME))
        return True

    def update(self) -> None:
        """Takes over what changed in the database, once the file could be read. Raises Django's database errors."""
        self._is_read = self._is_read or self._read()
        if not self._is_read:
            return
        begun = datetime.now(UTC)
        rows = Origin.objects.all()
        if self._read_to:
            rows = rows.filter(changed_at__gte=self._read_to - OVERLAP)
        self.merge(Head.of(row) for row in rows)
        self._read_to = begun

    def merge(self, heads: Iterable[Head]) -> None:
        """Takes over heads whose seals verify. Numbers that were settled before stay."""
        for head in heads:
            before = self._saved.get(head.origin)
            if head.is_genuine and (before is None or before.key_id == head.key_id):
                settled = before.settled | head.settled if before else head.settled
                erased = max(head.erased, before.erased) if before else head.erased
                ended = head.ended or bool(before and before.ended)
                if before is None or (before.settled, before.erased, before.ended) != (settled, erased, ended):
                    self._saved[head.origin] = _sealed(head, settled, erased, ended=ended)
                    self._is_saved = False

    def save(self) -> None:
        """Writes the file atomically if anything changed. Raises `OSError`."""
        if not self._is_saved:
            write_atomically(self._path, as_json(self._saved))
            self._is_saved = True


def read(folder: Path) -> SavedHeads:
    """The saved heads; empty if there is no file. Raises `DamagedHeads`."""
    try:
        return read_file(folder / FILE_NAME)
    except FileNotFoundError:
        return {}


def read_file(path: Path) -> SavedHeads:
    """The heads in a file. Raises `FileNotFoundError` or `DamagedHeads`."""
    try:
        saved = json.loads(path.read_text())
        return {UUID(origin): _parsed(members) for origin, members in saved.items()}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as exc:
        raise DamagedHeads(f"{path} can't be read ({type(exc).__name__}).") from exc


def as_json(saved: Mapping[UUID, SavedHead]) -> dict[str, Any]:
    """The JSON value of the file."""
    return {str(origin): head.as_json() for origin, head in saved.items()}


def merged(*copies: Mapping[UUID, SavedHead]) -> SavedHeads:
    """All heads of several copies; of those of one origin, a genuine one with most numbers, if there is any."""
    found: dict[UUID, list[SavedHead]] = {}
    for copy in copies:
        for origin, head in copy.items():
            found.setdefault(origin, []).append(head)
    return {
        origin: max(heads, key=lambda head: (bool(head.is_genuine(origin)), len(head.settled), head.erased))
        for origin, heads in found.items()
    }


def _sealed(head: Head, settled: NumberSet, erased: int, *, ended: bool) -> SavedHead:
    seal = keyring().find(head.key_id).head(head.origin, head.host, str(settled), erased, ended=ended)
    return SavedHead(head.host, head.key_id, settled, erased, ended, seal)


def _parsed(members: Mapping[str, Any]) -> SavedHead:
    settled, seal = NumberSet.parse(members["settled"]), b64decode(members["seal"], validate=True)
    if not isinstance(members["host"], str) or not isinstance(members["key"], str):
        raise TypeError
    return SavedHead(members["host"], members["key"], settled, int(members["erased"]), members["ended"] is True, seal)
