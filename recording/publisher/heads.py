"""Origins' heads, saved outside the database too, so that rows deleted together with their head show.

    heads.json = {origin: {"host": …, "key": key id, "settled": "1-5000", "erased": 3, "ended": …, "seal": base64}}

Each entry has a seal of its own, like a row of `Origin`, so a copy of the file can be kept anywhere. A saved head only
grows: whatever the database says later, its numbers were settled once.

Folded heads are in a second file of the same format, `folded-heads.json`, which is only written when heads are folded,
and which memory does not hold. It is written first: a crash in between leaves a head in both files, never in none.
"""

import json
import logging
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from common.number_set import NumberSet
from recording import folds
from recording.models import Origin
from recording.origins import Head
from recording.publisher.progress import write_atomically
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

FILE_NAME = "heads.json"
FOLDED_NAME = "folded-heads.json"
DAMAGED_NAMES = {FILE_NAME: "heads.damaged", FOLDED_NAME: "folded-heads.damaged"}
OVERLAP = timedelta(minutes=10)  # longer than a transaction: its head becomes visible after its `changed_at`
OVERLAP_FOLDS = 20  # of these ids; they become visible out of order
FULL_SECONDS = 60.0  # between two looks at all open heads: if a worker's clock steps back, `changed_at` is too low


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
    """The heads saved in a journal's folder: those of all origins that the database knows or knew.

    Memory only holds those that are not folded.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: SavedHeads = {}
        self._last_folded = UUID(int=0)  # no higher origin is in the file of folded heads
        self._is_saved = True
        self._is_read = self._read()
        if not self._is_read:
            log.error("The heads saved in %s can't be read now. They are tried again, and kept until then.", folder)

    def _read(self) -> bool:
        """Reads the files; False if the disk fails, since it may answer later. A damaged file is renamed."""
        self._read_to: datetime | None = None
        self._full_at, self._last_fold = 0.0, 0
        try:
            self._saved = self._read_or_rename(FILE_NAME)
            self._last_folded = max(self._read_or_rename(FOLDED_NAME), default=UUID(int=0))
        except DamagedHeads:
            return False
        return True

    def _read_or_rename(self, name: str) -> SavedHeads:
        try:
            return read_one(self._folder / name)
        except DamagedHeads as exc:
            if isinstance(exc.__cause__, OSError):
                raise
            damaged = DAMAGED_NAMES[name]
            log.error("%s It is renamed to %s, and replaced by the heads in the database.", exc, damaged)
            with suppress(OSError):  # a disk error here must not stop publishing
                (self._folder / name).rename(self._folder / damaged)
            return {}

    def update(self) -> None:
        """Takes over what changed in the database, once the files could be read. Raises Django's database errors."""
        self._is_read = self._is_read or self._read()
        if self._is_read:
            try:
                self._read_open()
                self._read_folds()
            except DamagedHeads:
                self._is_read = False
            except OSError as exc:
                log.warning("folded heads can't be saved in the journal's folder: %s", exc.strerror)

    def _read_open(self) -> None:
        begun, rows = datetime.now(UTC), Origin.objects.all()
        is_full = self._read_to is None or time.monotonic() >= self._full_at
        if self._read_to and not is_full:
            rows = rows.filter(changed_at__gte=self._read_to - OVERLAP)
        self.merge(Head.of(row) for row in rows)
        self._read_to = begun
        if is_full:
            self._full_at = time.monotonic() + FULL_SECONDS

    def _read_folds(self) -> None:
        """Moves heads that were folded since the last time to the file of folded ones.

        Raises `DamagedHeads` or `OSError`; then they stay where they are until the next time.
        """
        newest = folds.totals().newest
        if newest == self._last_fold:
            return
        if newest < self._last_fold:  # the newest was emptied, or somebody restored a backup
            self._last_fold = 0
        saved, moved, is_changed = read_one(self._folder / FOLDED_NAME), set[UUID](), False
        for row in folds.rows(after=max(self._last_fold - OVERLAP_FOLDS, 0)):
            known = saved.get(row.id)
            if known and known.seal == bytes(row.seal) and row.id not in self._saved:
                continue  # as saved: at a start, most are
            before = [each for each in (known, self._saved.get(row.id)) if each]
            head = _grown(Head.of(row), before)
            if head is not None:
                moved.add(row.id)
                is_changed |= head != known
                saved[row.id] = head
        if is_changed:
            write_atomically(self._folder / FOLDED_NAME, as_json(saved))
        self._last_fold, self._last_folded = newest, max(saved, default=self._last_folded)
        for origin in moved & self._saved.keys():
            del self._saved[origin]
            self._is_saved = False

    def merge(self, heads: Iterable[Head]) -> None:
        """Takes over heads whose seals verify. Numbers that were settled before stay. Raises `DamagedHeads`."""
        folded: SavedHeads | None = None
        for head in heads:
            before = self._saved.get(head.origin)
            if before is None and head.origin <= self._last_folded:  # it may have been taken out of a fold
                folded = read_one(self._folder / FOLDED_NAME) if folded is None else folded
                before = folded.get(head.origin)
            grown = _grown(head, [before] if before else [])
            if grown is not None and grown != self._saved.get(head.origin):
                self._saved[head.origin] = grown
                self._is_saved = False

    def save(self) -> None:
        """Writes the file of heads that are not folded, atomically, if anything changed. Raises `OSError`."""
        if not self._is_saved:
            write_atomically(self._folder / FILE_NAME, as_json(self._saved))
            self._is_saved = True


def read(folder: Path) -> SavedHeads:
    """All saved heads; empty if there are no files. Raises `DamagedHeads`."""
    heads = read_one(folder / FILE_NAME)  # first: what leaves it meanwhile is in the other file
    return merged(read_one(folder / FOLDED_NAME), heads)


def read_one(path: Path) -> SavedHeads:
    """The heads in a file; empty if there is none. Raises `DamagedHeads`."""
    try:
        return read_file(path)
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
    return {origin: heads[0] if len(heads) == 1 else _best(origin, heads) for origin, heads in found.items()}


def _best(origin: UUID, heads: Iterable[SavedHead]) -> SavedHead:
    return max(heads, key=lambda head: (bool(head.is_genuine(origin)), len(head.settled), head.erased))


def _grown(head: Head, before: Iterable[SavedHead]) -> SavedHead | None:
    """The head together with what was saved of it before; None if it is not genuine, or had another key before."""
    known = list(before)
    if not head.is_genuine or any(each.key_id != head.key_id for each in known):
        return None
    settled, erased, ended = head.settled, head.erased, head.ended
    for each in known:
        settled, erased, ended = settled | each.settled, max(erased, each.erased), ended or each.ended
    for each in known:
        if (each.settled, each.erased, each.ended) == (settled, erased, ended):
            return each
    seal = keyring().find(head.key_id).head(head.origin, head.host, str(settled), erased, ended=ended)
    return SavedHead(head.host, head.key_id, settled, erased, ended, seal)


def _parsed(members: Mapping[str, Any]) -> SavedHead:
    settled, seal = NumberSet.parse(members["settled"]), b64decode(members["seal"], validate=True)
    if not isinstance(members["host"], str) or not isinstance(members["key"], str):
        raise TypeError
    return SavedHead(members["host"], members["key"], settled, int(members["erased"]), members["ended"] is True, seal)
