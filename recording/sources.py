"""Record sources: the kinds of records that the ledger writes, each into a table of its own.

An app declares a source in the `ready` of its `AppConfig`:

    sources.register(InferenceSource())

Recording, verification, reconciliation, erasure, quarantine, history and export then work for it. Whoever wants to know
of new rows without owning them, as MLflow does, calls `follow`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from recording.batches import Numbered
from recording.records import BadRecord, SealableRecord, UnsupportedRecord, source_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from recording.models import SealedRow
    from recording.verification import Step

Follower = Callable[["RecordSource", Sequence["SealedRow"]], None]


@dataclass(frozen=True)
class Filter:
    """An exact look-up: its column, and what reads a given text or raises a `ValueError` that says what to do."""

    column: str
    read: Callable[[str], Any] = str


class RecordSource:
    """One kind of record. The hooks do nothing unless a source overrides them."""

    record: ClassVar[type[SealableRecord]]
    model: ClassVar["type[SealedRow]"]
    filters: ClassVar[Mapping[str, Filter]] = {}  # by a parameter's name
    row: ClassVar[type[Any]]  # what history and exports show; made of the record's fields where a source names none
    json: ClassVar[tuple[str, ...]] = ()  # columns that hold JSON texts
    is_model_call: ClassVar[bool] = False  # rows tell model_name, model_version, latency_ms, input_data, output_data
    large: ClassVar[tuple[str, ...]] = ()  # columns whose texts may be large: read apart from the rest of a page
    hidden: ClassVar[tuple[str, ...]] = ()  # fields of the record that readers of history and exports do not see

    @property
    def name(self) -> str:
        """Its name in every record."""
        return self.record.SOURCE

    @property
    def read_permission(self) -> str:
        """Django's permission to read its rows."""
        meta = self.model._meta  # noqa: SLF001 - Django documents _meta as public
        return f"{meta.app_label}.view_{meta.model_name}"

    def decode(self, raw: bytes) -> SealableRecord:
        """The record in `raw`. Raises `BadRecord`, or `UnsupportedRecord` for a newer version."""
        return self.record.decode(raw)

    def record_of(self, row: Any) -> SealableRecord:
        """The record that became a row. Raises `BadRecord` where no record can have become it."""
        return self.record(**{name: getattr(row, name) for name in self.record.field_names()})

    @property
    def rows(self) -> "QuerySet[Any]":
        """All rows."""
        return self.model._default_manager.all()  # noqa: SLF001 - Django documents _default_manager as public

    def complete(self, rows: Iterable[Any]) -> Sequence[Any]:
        """Model instances, with those of their texts that lie elsewhere, as far as these can be read now."""
        return list(rows)

    def lay_in(self, rows: list[Any], hidden: Mapping[UUID, tuple[Any, ...]], *, strictly: bool) -> list[Any]:
        """Rows of a page, with those of their texts that lie elsewhere; `hidden` are the rows' hidden columns.

        Where a text can't be read now, raises `Unavailable` if it is asked `strictly`.
        """
        return rows

    def verify_attachments(self) -> "Iterator[Step]":
        """Verifies what lies outside of the rows."""
        return iter(())

    def needs_preparation(self, received: "Received") -> bool:
        """Whether `before_insert` has anything to do for this record; few records of a batch have."""
        return False

    def before_insert(self, received: Sequence["Received"]) -> None:
        """Before the transaction that writes these records; may be called again for the same ones."""

    def after_insert(self, rows: Sequence[Any]) -> None:
        """New rows, in the transaction that writes them; each has its `received`. May raise `BadRecord`."""

    def after_dropped(self, received: Sequence["Received"]) -> None:
        """After the transaction: records for which `before_insert` was called, and which were erased meanwhile."""

    def before_erase(self, rows: Sequence[Any]) -> None:
        """Before the transaction that erases rows. What it raises keeps them."""

    def on_erase(self, rows: Sequence[Any]) -> None:
        """First in the transaction that erases rows: removes what else tells of them."""

    def after_erase(self, rows: Sequence[Any]) -> None:
        """After that transaction."""


@dataclass(eq=False)
class Received:
    """One numbered record. `refusal` says why no table takes it; then it has neither source nor record."""

    number: Numbered
    source: RecordSource | None = None
    record: SealableRecord | None = None
    refusal: str = ""
    notes: dict[str, Any] = field(default_factory=dict)  # of the source's hooks, from one to the next

    @property
    def decoded(self) -> SealableRecord:
        """The record of one that was not refused."""
        assert self.record is not None  # noqa: S101 - whoever asks has left out the refused ones
        return self.record

    @property
    def event(self) -> UUID:
        """The id of its record, which is its row's."""
        return self.decoded.id


_registered: dict[str, RecordSource] = {}
_followers: list[Follower] = []


def register(source: RecordSource) -> None:
    """Adds a source. Registering one of the same name replaces it."""
    _registered[source.name] = source


def unregister(name: str) -> None:
    """Takes a source out again, for tests."""
    _registered.pop(name, None)


def registered() -> list[RecordSource]:
    """All sources, in the order in which they were registered."""
    return list(_registered.values())


def named(name: str) -> RecordSource:
    """The source of this name. Raises `UnsupportedRecord`."""
    try:
        return _registered[name]
    except KeyError:
        raise UnsupportedRecord(f"the source {name} is unknown here: upgrade the worker") from None


def decoded(payload: bytes) -> tuple[RecordSource, SealableRecord]:
    """An encoded record and its source. Raises `BadRecord` or `UnsupportedRecord`."""
    source = named(source_of(payload)[0])
    return source, source.decode(payload)


def received(numbers: Iterable[Numbered]) -> list[Received]:
    """All of them. Raises `UnsupportedRecord` where one needs a newer worker: then the batch has to wait."""
    return [_received(number) for number in numbers]


def _received(number: Numbered) -> Received:
    try:
        source, record = decoded(number.payload)
    except BadRecord as exc:
        return Received(number, refusal=str(exc))
    return Received(number, source, record)


def of_model(model: "type[SealedRow]") -> RecordSource:
    """The source whose rows these are. Raises `LookupError`."""
    return next(source for source in _registered.values() if source.model is model)


def follow(follower: Follower) -> None:
    """Has `follower` called with the new rows of any source, in the transaction that writes them."""
    if follower not in _followers:
        _followers.append(follower)


def tell_followers(source: RecordSource, rows: Sequence["SealedRow"]) -> None:
    """New rows, in the caller's transaction."""
    for follower in _followers:
        follower(source, rows)
