"""Record sources: the kinds of records that the ledger writes, each into a table of its own.

An app declares a source in the `ready` of its `AppConfig`:

    sources.register(InferenceSource())

Recording, verification, reconciliation, erasure, quarantine, history and export then work for it;
`recording.urls.paths` adds its views. docs/extending.md shows a whole source. An app that only needs to be notified of
new rows, such as the MLflow integration, calls `follow`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from common.row_scope import Scope
from recording.batches import Batch, Numbered
from recording.lookups import lookup, lookup_fields
from recording.records import BadRecord, SealableRecord, UnsupportedRecord, source_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from recording.findings import Step
    from recording.history import HistoryFilter
    from recording.models import SealedRow

Follower = Callable[["RecordSource", Sequence["SealedRow"]], None]


@dataclass(frozen=True)
class Filter:
    """An exact filter: the record's field, and a parser that may raise a `ValueError` whose text says what to do."""

    column: str
    read: Callable[[str], Any] = str


class RecordSource:
    """One kind of record. The hooks do nothing unless a source overrides them."""

    record: ClassVar[type[SealableRecord]]
    model: ClassVar["type[SealedRow]"]
    filters: ClassVar[Mapping[str, Filter]] = {}  # by the name of a parameter, and of a command's option
    history_filters: ClassVar[Mapping[str, Filter]] = {}  # more of them, which only history has: erasure is by people
    row: ClassVar[type[Any]]  # the rows of history and exports; default: made from the record's fields
    json: ClassVar[tuple[str, ...]] = ()  # columns with JSON texts
    is_default: ClassVar[bool] = False  # commands mean it if they name no source
    is_model_call: ClassVar[bool] = False  # rows have model_name, model_version, latency_ms, input_data and output_data
    large: ClassVar[tuple[str, ...]] = ()  # columns whose texts may be large: a page reads them separately
    hidden: ClassVar[tuple[str, ...]] = ()  # fields that history and exports do not show
    scope_column: ClassVar[str] = ""  # has the doctor's name; without it, callers with a row scope see no row

    @property
    def name(self) -> str:
        """The source's name in every record."""
        return self.record.SOURCE

    @property
    def noun(self) -> str:
        """What its rows are called in actions of the access log, such as `inference.list`."""
        return self.name.rpartition(".")[2]

    @property
    def read_permission(self) -> str:
        """The Django permission to read its rows."""
        meta = self.model._meta  # noqa: SLF001 - Django documents _meta as public
        return f"{meta.app_label}.view_{meta.model_name}"

    def decode(self, raw: bytes) -> SealableRecord:
        """Decodes the record in `raw`. Raises `BadRecord`, or `UnsupportedRecord` for a newer version."""
        return self.record.decode(raw)

    def content_of(self, values: Mapping[str, Any]) -> bytes:
        """What the seal of a row with these values covers. Raises `UnsupportedRecord` for an unknown version."""
        return self.record.content_of(values, values["record_version"])

    @property
    def every_filter(self) -> Mapping[str, Filter]:
        """The filters of history, by name, in the order of the columns of an index."""
        return {**self.filters, **self.history_filters}

    def condition(self, name: str, value: Any) -> tuple[str, Any]:
        """The column and the value that the filter `name` compares: for an encrypted column its keyed hash.

        Raises Django's database errors: the first look-up of a process reads the key.
        """
        field = self.every_filter[name].column
        return self.column(field), self._stored(field, value)

    def column(self, field: str) -> str:
        """The column that conditions on a field compare: beside an encrypted one, that of its keyed hash."""
        found = lookup_fields(self.model).get(field)
        return found.attname if found else field

    def _stored(self, field: str, value: Any) -> Any:
        return lookup(field, value) if field in lookup_fields(self.model) else value

    def scoped(self, scope: frozenset[str]) -> tuple[str, list[Any]]:
        """The column of a row scope, and its values for these doctors. Raises Django's database errors."""
        return self.column(self.scope_column), [self._stored(self.scope_column, name) for name in sorted(scope)]

    def within(self, scope: Scope, path: str = "") -> Mapping[str, Any]:
        """The conditions of a row scope, as arguments of `filter`; `path` leads to the rows from another model."""
        if scope is None:
            return {}
        column, values = self.scoped(scope)
        return {f"{path}{column}__in": values}

    @property
    def rows(self) -> "QuerySet[Any]":
        """All rows."""
        return self.model._default_manager.all()  # noqa: SLF001 - Django documents _default_manager as public

    def matching(self, values: Mapping[str, Any]) -> "QuerySet[Any]":
        """The rows that match all values, which are named as in `filters`."""
        return self.rows.filter(**dict(self.condition(name, value) for name, value in values.items()))

    def matches(self, record: SealableRecord, values: Mapping[str, Any]) -> bool:
        """Whether a record matches all values, which are named as in `filters`."""
        return all(getattr(record, self.filters[name].column) == value for name, value in values.items())

    def has_columns(self, equal: Iterable[str]) -> bool:
        """Whether the table has these columns of filters. If not, history calls `look_up`."""
        return True

    def look_up(self, wanted: "HistoryFilter") -> list[UUID]:
        """The ids of the first rows that match, newest first and one more than the limit, from another table.

        The scope is among the values of `wanted.equal` already.
        """
        raise NotImplementedError

    def rows_in(self, scope: Scope) -> "QuerySet[Any]":
        """The rows that a caller with this scope may see."""
        if scope is not None and not self.scope_column:
            return self.rows.none()
        return self.rows.filter(**self.within(scope))

    def load_stored_texts(self, rows: Iterable[Any]) -> Sequence[Any]:
        """Model instances, with their texts from the storage as far as these can be read now."""
        return list(rows)

    def with_stored_texts(self, rows: list[Any], hidden: Mapping[UUID, tuple[Any, ...]], *, strict: bool) -> list[Any]:
        """Rows of a page, with their texts from the storage; `hidden` has the rows' hidden columns by row id.

        Raises `Unavailable` if `strict` and a text can't be read now.
        """
        return rows

    def verify_attachments(self) -> "Iterator[Step]":
        """Verifies the data outside the table, such as files in the storage."""
        return iter(())

    def encrypt_files(self) -> Iterator[bool]:
        """Encrypts files outside the table with the first of DATA_KEYS. Yields for each whether it was written anew."""
        return iter(())

    def keys_of_files(self) -> Iterator[str]:
        """The id of the data key of each file outside the table; blank for a clear one."""
        return iter(())

    def verify_derived(self) -> "Iterator[Step]":
        """Verifies tables that are derived from the rows. `verify_log` always runs it."""
        return iter(())

    def kept_after_erasure(self, values: Mapping[str, Any]) -> str:
        """What the source keeps about people that another source just erased, as a sentence; blank for nothing."""
        return ""

    def before_publish(self, origin: UUID, numbers: Sequence[Numbered]) -> Sequence[Numbered]:
        """The records as the publisher sends them. It may run again for the same records."""
        return numbers

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Runs in the transaction that writes these new rows; each has its `received`. May raise `BadRecord`."""

    def before_erase(self, rows: Sequence[Any]) -> None:
        """Runs before the transaction that erases these rows. If it raises, they are not erased."""

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Runs first in the transaction that erases these rows; removes other data about them."""

    def dependents(self, rows: Sequence[Any]) -> "Iterable[tuple[RecordSource, Sequence[Any]]]":
        """Rows of other sources that are erased with these, in the same transaction, after `on_erase`.

        Their sources' `before_erase` and `after_erase` are not called.
        """
        return ()

    def belonging(self, rows: Sequence[Any]) -> "Iterable[tuple[RecordSource, Sequence[Any]]]":
        """Rows of other sources that belong to these, without any lock: for a copy of all that is known."""
        return ()

    def files_of(self, row_ids: Sequence[UUID], faults: list[str]) -> Iterable[tuple[str, bytes]]:
        """A path and the content of each file of these rows; adds a sentence to `faults` for one that can't be read."""
        return ()

    def erase_unrecorded(self, matches: Callable[[SealableRecord], bool]) -> None:
        """Removes records that match and are not recorded yet, from wherever the source keeps such."""

    def after_erase(self, rows: Sequence[Any]) -> None:
        """Runs after the transaction that erases these rows."""


@dataclass(eq=False)
class Received:
    """One numbered record. If it can't be decoded, `refusal` says why, and `source` and `record` are None."""

    number: Numbered
    source: RecordSource | None = None
    record: SealableRecord | None = None
    version: int = 0  # during an upgrade, older than what this process writes
    refusal: str = ""

    def refuse(self, reason: str) -> None:
        """Makes it a record that can't be a row."""
        self.source = self.record = None
        self.refusal = reason

    @property
    def decoded(self) -> SealableRecord:
        """The record; only for one that was not refused."""
        assert self.record is not None  # noqa: S101 - callers filter out the refused ones
        return self.record

    @property
    def content(self) -> bytes:
        """What its digest covers."""
        return self.decoded.content(self.version)

    @property
    def event(self) -> UUID:
        """The id of its record, which is also its row's id."""
        return self.decoded.id


_registered: dict[str, RecordSource] = {}
_followers: list[Follower] = []


def register(source: RecordSource) -> None:
    """Adds a source. Registering one of the same name replaces it."""
    _registered[source.name] = source


def unregister(name: str) -> None:
    """Removes a source, for tests."""
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


def decode_all(numbers: Iterable[Numbered]) -> list[Received]:
    """Decodes all of `numbers`. Raises `UnsupportedRecord` if one needs a newer worker: then the batch has to wait."""
    return [_decode(number) for number in numbers]


def _decode(number: Numbered) -> Received:
    try:
        name, version = source_of(number.payload)
        source = named(name)
        return Received(number, source, source.decode(number.payload), version)
    except BadRecord as exc:
        return Received(number, refusal=str(exc))


def before_publish(batch: Batch) -> Batch:
    """The batch as the publisher sends it. Records of unknown sources are left as they are, for a newer worker."""
    groups: dict[RecordSource, list[Numbered]] = defaultdict(list)
    for number in batch.records:
        with suppress(BadRecord, UnsupportedRecord):
            groups[named(source_of(number.payload)[0])].append(number)
    sent = {
        number.sequence: number
        for source, numbers in groups.items()
        for number in source.before_publish(batch.origin, numbers)
    }
    return replace(batch, records=tuple(sent.get(number.sequence, number) for number in batch.records))


def follow(follower: Follower) -> None:
    """Registers `follower`, which is called with new rows of any source in the transaction that writes them."""
    if follower not in _followers:
        _followers.append(follower)


def notify_followers(source: RecordSource, rows: Sequence["SealedRow"]) -> None:
    """Calls the followers with new rows, in the caller's transaction."""
    for follower in _followers:
        follower(source, rows)
