"""What a tamperer with access to the database and Redis, but without the key, does to the log.

Each function chooses something of the log and returns a `Tampering`: rows to replace and messages to send, and what
verification must then say of it. Needs Django.
"""

import secrets
import socket
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction

from common.ids import uuid7
from common.number_set import NumberSet
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.records import FeedbackRecord, InferenceRecord
from recording import erasure, folds, sources
from recording.batches import Batch, Numbered
from recording.direct_writes import DirectOrigins
from recording.findings import Finding
from recording.journal import Spool
from recording.models import Disposition, Fold, Origin
from recording.publisher import heads
from recording.records import microseconds
from recording.seals import keyring

Row = TypeVar("Row", bound=models.Model)
PLANTED = 8  # records in an origin that only the tamperer writes to
CAPTURED = 50  # messages kept, to be replayed
NEIGHBOURS = 1  # a wrong seal may be the row's, or that of the one before it
RAISED = 1000  # numbers added to a head


@dataclass(frozen=True)
class Place:
    """Numbers of one origin, both included; None for rows without one."""

    origin: UUID | None
    first: int | None = None
    last: int | None = None

    def contains(self, finding: Finding) -> bool:
        """Whether a finding is about these numbers."""
        if finding.origin != self.origin or self.first is None or self.last is None:
            return finding.origin == self.origin
        return self.first <= (finding.first or 0) and (finding.last or 0) <= self.last


@dataclass(frozen=True)
class Tampering:
    """Rows before and after it, messages to send, and the findings that it must lead to.

    One finding must be of the kind `named_as` at one of the `places`, and all must be at the places. If `named_as` is
    empty, there must be no finding.
    """

    before: Sequence[models.Model] = ()
    after: Sequence[models.Model] = ()
    messages: Sequence[dict[str, Any]] = ()
    named_as: str = ""
    places: Sequence[Place] = ()

    def apply(self) -> None:
        """Changes the database. Raises Django's database errors; then nothing was changed."""
        _replace(self.before, self.after)

    def undo(self) -> None:
        """Restores exactly what was there, whatever happened to it meanwhile. Raises Django's database errors."""
        _replace([*self.before, *self.after], self.before)

    def is_named(self, findings: Iterable[Finding]) -> bool:
        """Whether one of the findings is the right one."""
        return not self.named_as or any(each.kind == self.named_as and self._covers(each) for each in findings)

    def invented(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings about something else."""
        return [each for each in findings if not self._covers(each)]

    def _covers(self, finding: Finding) -> bool:
        return any(place.contains(finding) for place in self.places)


@dataclass
class Log:
    """The log, as the tamperer sees it."""

    journal: Path
    rng: Random
    planted: UUID = field(default_factory=uuid7)
    old_heads: list[Origin] = field(default_factory=list)  # of the planted origin
    folded: UUID = field(default_factory=uuid7)  # another one, which is folded
    captured: list[dict[str, Any]] = field(default_factory=list)  # messages

    def plant(self) -> None:
        """Writes records with verdicts into origins of its own; has half of them erased, so that there are tombstones.

        Writes others into an origin that is folded at once. Raises Django's database errors.
        """
        direct, verdicts = DirectOrigins(keyring().current), DirectOrigins(keyring().current)
        self.old_heads = []
        for _ in range(PLANTED):
            record = _record("planted")
            direct.write([record])
            verdicts.write([_verdict_on(record)])
            row: Any = InferenceLog.objects.get(pk=record.id)
            self.old_heads.append(Origin.objects.get(pk=row.origin))
        self.planted = self.old_heads[0].id
        self._erase(sequence__lte=PLANTED // 2)
        self._plant_fold()

    def _plant_fold(self) -> None:
        direct, record = DirectOrigins(keyring().current), _record("planted")
        direct.write([record, _record("planted")])
        row: Any = InferenceLog.objects.get(pk=record.id)
        self.folded = row.origin
        with transaction.atomic():
            folds.add(Origin.objects.select_for_update().filter(pk=self.folded))

    def fold(self) -> Fold:
        """The fold of the folded origin. Raises `ValueError` if no publisher has saved its head yet."""
        if self.folded not in heads.read(self.journal):
            raise ValueError
        return Fold.objects.get(first=self.folded)

    def clear(self) -> None:
        """Has the rest of what it planted erased. Raises Django's database errors."""
        self._erase()

    def _erase(self, **conditions: Any) -> None:
        [source] = [each for each in sources.registered() if each.model is InferenceLog]
        rows = source.rows.filter(request_id="planted", **conditions)
        for _ in erasure.erase(source, rows, "the campaign's own records"):
            pass

    def row(self, **conditions: Any) -> InferenceLog:
        """One row with a number."""
        rows = InferenceLog.objects.filter(origin__isnull=False, **conditions).order_by("pk")
        return rows[self.rng.randrange(rows.count())]

    def verdict(self) -> Feedback:
        """One verdict on a planted record."""
        return self.rng.choice(list(Feedback.objects.filter(inference__request_id="planted").order_by("position")))

    def disposition(self) -> Disposition:
        """One disposition of the planted origin."""
        return self.rng.choice(list(Disposition.objects.filter(origin=self.planted).order_by("sequence")))

    def head(self) -> Origin:
        """The head of an origin to which nobody writes any more, and of which nothing is left in the journal."""
        saved = heads.read(self.journal)
        held = {UUID(name.origin) for name in Spool(self.journal).segments()}
        ended = Origin.objects.filter(ended=True, id__in=saved.keys() - held).order_by("pk")
        known = [each for each in ended if str(saved[each.id].settled) == each.settled]
        return self.rng.choice([*known, Origin.objects.get(pk=self.planted)])

    def capture(self) -> None:
        """Keeps messages as they pass through Redis: the same bytes, made from the journal as the publisher does."""
        spool, host = Spool(self.journal), socket.gethostname()
        for name in spool.segments():
            for frame in spool.frames(name, max_bytes=1):
                if not frame.is_blank:
                    self.captured.append(Batch.of(UUID(name.origin), host, name.key_id, frame.entries).as_message())
        del self.captured[CAPTURED:]


Tamper = Callable[[Log], Tampering]
TAMPERINGS: dict[str, Tamper] = {}


def tampering(name: str) -> Callable[[Tamper], Tamper]:
    """Registers a function of the log. It raises `IndexError` or `ValueError` if there is nothing to choose yet."""

    def register(function: Tamper) -> Tamper:
        TAMPERINGS[name] = function
        return function

    return register


@tampering("nothing")
def do_nothing(_log: Log) -> Tampering:
    """The log is intact, and must be called so."""
    return Tampering()


@tampering("delete a row")
def delete_row(log: Log) -> Tampering:
    """Its number is missing."""
    row = log.row()
    return Tampering([row], named_as="missing", places=[_place(row)])


@tampering("change a row")
def change_row(log: Log) -> Tampering:
    """Another answer, patient, time or size."""
    row, changed = _twice(log.row())
    name, value = log.rng.choice(
        [
            ("output_data", "{}"),
            ("patient_name", "Someone Else"),
            ("created_at", datetime(2020, 1, 1, tzinfo=UTC)),
            ("payload_bytes", 1),
            ("latency_ms", 0.5),
        ]
    )
    setattr(changed, name, value)
    return Tampering([row], [changed], named_as="changed", places=[_place(row)])


@tampering("swap two rows")
def swap_rows(log: Log) -> Tampering:
    """Each has the other's patient and answer."""
    (one, new_one), (other, new_other) = _twice(log.row()), _twice(log.row())
    if one.pk == other.pk:
        raise ValueError
    for name in ("patient_name", "input_data", "output_data", "request_id", "payload_bytes"):
        setattr(new_one, name, getattr(other, name))
        setattr(new_other, name, getattr(one, name))
    return Tampering([one, other], [new_one, new_other], named_as="changed", places=[_place(one), _place(other)])


@tampering("swap two rows' seals")
def swap_seals(log: Log) -> Tampering:
    """Each has the other's number, with all that proves it."""
    (one, new_one), (other, new_other) = _twice(log.row()), _twice(log.row())
    if one.pk == other.pk:
        raise ValueError
    for name in ("origin", "sequence", "seal", "row_seal", "created_at"):
        setattr(new_one, name, getattr(other, name))
        setattr(new_other, name, getattr(one, name))
    places = [_place(one, NEIGHBOURS), _place(other, NEIGHBOURS)]
    return Tampering([one, other], [new_one, new_other], named_as="changed", places=places)


@tampering("copy a row")
def copy_row(log: Log) -> Tampering:
    """The same number twice, under another id."""
    row, copied = _twice(log.row())
    copied.id = uuid7()
    return Tampering([], [copied], named_as="foreign", places=[_place(row)])


@tampering("insert a row without an origin")
def insert_without_origin(log: Log) -> Tampering:
    """As SQL would insert it."""
    _, inserted = _twice(log.row())
    inserted.id, inserted.origin, inserted.sequence = uuid7(), None, None
    inserted.seal = inserted.row_seal = None
    return Tampering([], [inserted], named_as="foreign", places=[Place(None)])


@tampering("insert a row with an unknown origin")
def insert_with_unknown_origin(log: Log) -> Tampering:
    """With a seal that is none."""
    _, inserted = _twice(log.row())
    inserted.id = uuid7()
    inserted.origin, inserted.seal = origin, _ = uuid7(), secrets.token_bytes(32)
    return Tampering([], [inserted], named_as="foreign", places=[Place(origin)])


@tampering("delete a verdict")
def delete_verdict(log: Log) -> Tampering:
    """As if the doctor had never judged."""
    verdict = log.verdict()
    return Tampering([verdict], named_as="missing", places=[_place(verdict)])


@tampering("change a verdict")
def change_verdict(log: Log) -> Tampering:
    """Models would learn something else from it, or from another inference."""
    verdict, changed = _twice(log.verdict())
    name, value = log.rng.choice([("label", "malignant"), ("verdict", "agree"), ("inference_id", log.row().pk)])
    if getattr(verdict, name) == value:
        raise ValueError
    setattr(changed, name, value)
    return Tampering([verdict], [changed], named_as="changed", places=[_place(verdict)])


@tampering("replay a verdict")
def replay_verdict(log: Log) -> Tampering:
    """The same one again, as the newest, so that it counts."""
    verdict, replayed = _twice(log.verdict())
    replayed.id, replayed.position = uuid7(), microseconds(datetime.now(UTC))
    return Tampering([], [replayed], named_as="foreign", places=[_place(verdict)])


@tampering("lower a head")
def lower_head(log: Log) -> Tampering:
    """As if the newest numbers had never been."""
    head, lowered = _twice(log.head())
    first, last = NumberSet.parse(head.settled).ranges[-1]
    lowered.settled = f"{first}-{max(first, last // 2)}"
    if lowered.settled == head.settled:
        raise ValueError
    return Tampering([head], [lowered], named_as="changed", places=[Place(head.id)])


@tampering("restore an old head")
def restore_old_head(log: Log) -> Tampering:
    """Its seal is genuine, and the rows after it are gone with it."""
    head = Origin.objects.get(pk=log.planted)
    old = log.rng.choice(log.old_heads[:-1])
    gone = Disposition.objects.filter(origin=log.planted, sequence__gt=NumberSet.parse(old.settled).highest)
    rows = InferenceLog.objects.filter(origin=log.planted, sequence__gt=NumberSet.parse(old.settled).highest)
    return Tampering([head, *gone, *rows], [old], named_as="missing", places=[Place(head.id)])


@tampering("raise a head")
def raise_head(log: Log) -> Tampering:
    """As if numbers had been settled that never were."""
    head, raised = _twice(log.head())
    raised.settled = f"1-{NumberSet.parse(head.settled).highest + RAISED}"
    return Tampering([head], [raised], named_as="changed", places=[Place(head.id)])


@tampering("delete an origin with its rows")
def delete_origin(log: Log) -> Tampering:
    """Nothing of it is left in the database. Not an origin of the gateway: a late message would write it again."""
    rows = [*InferenceLog.objects.filter(origin=log.planted), *Disposition.objects.filter(origin=log.planted)]
    if log.planted not in heads.read(log.journal):
        raise ValueError
    return Tampering([Origin.objects.get(pk=log.planted), *rows], named_as="missing", places=[Place(log.planted)])


@tampering("delete a fold with its rows")
def delete_fold(log: Log) -> Tampering:
    """Nothing of its origin is left in the database."""
    rows = InferenceLog.objects.filter(origin=log.folded)
    return Tampering([log.fold(), *rows], named_as="missing", places=[Place(log.folded)])


@tampering("copy a fold")
def copy_fold(log: Log) -> Tampering:
    """As if an old one had been put back: its origin is there twice."""
    _, copied = _twice(log.fold())
    copied.pk = 2**40
    return Tampering([], [copied], named_as="changed", places=[Place(log.folded)])


@tampering("change a fold's total")
def change_total(log: Log) -> Tampering:
    """As if it had more numbers."""
    fold, changed = _twice(log.fold())
    changed.numbers += RAISED
    return Tampering([fold], [changed], named_as="changed", places=[Place(None)])


@tampering("lower a folded head")
def lower_folded_head(log: Log) -> Tampering:
    """As if the newest number had never been. The total fits."""
    fold, changed = _twice(log.fold())
    [head] = folds.unpack(fold)
    head.settled = f"1-{folds.highest(head) - 1}"
    changed.members, changed.numbers = folds.pack([head]), folds.highest(head)
    return Tampering([fold], [changed], named_as="changed", places=[Place(log.folded)])


@tampering("delete a disposition")
def delete_disposition(log: Log) -> Tampering:
    """Its number is missing."""
    disposition = log.disposition()
    return Tampering([disposition], named_as="missing", places=[_place(disposition)])


@tampering("replay an old disposition")
def replay_disposition(log: Log) -> Tampering:
    """A genuine tombstone in the place of a row that was never erased."""
    row: Any = log.row()
    replayed = copy(log.disposition())
    replayed.pk, replayed.origin, replayed.sequence = 2**40, row.origin, row.sequence
    return Tampering([row], [replayed], named_as="changed", places=[_place(row, NEIGHBOURS)])


@tampering("forge a message")
def forge_message(_log: Log) -> Tampering:
    """A record of a doctor who never asked, in a new origin. No row may come of it."""
    key, record = keyring().current, _record("forged")
    number = Numbered(1, secrets.token_bytes(32), secrets.token_bytes(32), record.encode())
    message = Batch(uuid7(), socket.gethostname(), key.id, (number,)).as_message()
    return Tampering(messages=[message | {"seal": b64encode(secrets.token_bytes(32)).decode()}])


@tampering("replay an old message")
def replay_message(log: Log) -> Tampering:
    """A genuine one, the whole of it. It must change nothing."""
    return Tampering(messages=[log.captured[0]])


@tampering("replay an old message for another origin")
def redirect_message(log: Log) -> Tampering:
    """Its records and its seal are genuine, its origin is not."""
    return Tampering(messages=[log.rng.choice(log.captured) | {"origin": str(uuid7())}])


def _record(request_id: str) -> InferenceRecord:
    record_id = uuid7()
    return InferenceRecord(
        id=record_id,
        doctor_name="Dr. Chaos",
        patient_name="Patient Chaos",
        input_data="{}",
        output_data=f'"{record_id}"',  # no two rows are alike
        predicted_at=datetime.now(UTC),
        latency_ms=1.0,
        model_name="stub",
        model_version="1",
        request_id=request_id,
        caller="",
    )


def _verdict_on(record: InferenceRecord) -> FeedbackRecord:
    now = datetime.now(UTC)
    return FeedbackRecord(
        id=uuid7(),
        recorded_at=now,
        position=microseconds(now),
        inference_id=record.id,
        verdict="correct",
        label="benign",
        note="",
        caller="",
        model_name=record.model_name,
        model_version=record.model_version,
        predicted_at=record.predicted_at,
    )


def _twice(row: Row) -> tuple[Row, Row]:
    return row, copy(row)


def _place(row: Any, further: int = 0) -> Place:
    return Place(row.origin, row.sequence, row.sequence + further)


def _replace(old: Iterable[models.Model], new: Iterable[models.Model]) -> None:
    with transaction.atomic():
        for row in old:
            type(row)._base_manager.filter(pk=row.pk).delete()  # noqa: SLF001 - Django documents it as public
        for row in new:
            copy(row).save_base(raw=True, force_insert=True)  # raw: with the times and the id that it has
