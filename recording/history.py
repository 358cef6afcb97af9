"""A source's rows, looked up: newest first, in pages that arriving rows can't disturb."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

import orjson
from django.db import close_old_connections, connection
from django.db.models import Case, F, Func, QuerySet, When

from common import statement_cache
from common.exceptions import NoSuchRecord
from common.keyset import at_least, at_most, below
from common.paging import MAX_ROWS, PAGE_BYTES, fitting
from recording.sources import RecordSource

__all__ = ["MAX_ROWS", "Cursor", "History", "HistoryFilter", "Page"]

Bound = tuple[Callable[..., Func], dict[str, Any]]  # a comparison of keyset, and the values that it compares with


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A row's place: everything older comes after it."""

    time: datetime
    id: UUID

    def opaque(self) -> str:
        """As it stands in a URL."""
        return base64.urlsafe_b64encode(f"{self.time.isoformat()} {self.id.hex}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """The cursor that `opaque` wrote. Raises `ValueError`."""
        try:
            moment, row_id = base64.b64decode(text + "=" * (-len(text) % 4), "-_", validate=True).decode().split(" ")
        except (binascii.Error, UnicodeError) as exc:
            raise ValueError("not a cursor") from exc
        time = datetime.fromisoformat(moment)
        if time.utcoffset() != timedelta():
            raise ValueError("not in UTC")
        return cls(time=time, id=UUID(row_id))


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    """What is looked up. `since` is inclusive, `until` exclusive; `equal` are values by their columns.

    The columns of `equal` come in the order in which an index has them.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: Cursor | None = None


@dataclass(frozen=True)
class Page:
    """Rows, the cursor of the last one where there are more, and the rows' hidden columns by their ids."""

    rows: list[Any]
    next: Cursor | None
    hidden: Mapping[UUID, tuple[Any, ...]] = field(default_factory=dict)


class History:
    """The rows of one source."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self._time = source.model.time_field

    @cached_property
    def row(self) -> type[Any]:
        """The type of the rows: a `NamedTuple` with `described`."""
        return getattr(self._source, "row", None) or _row_type(self._source)

    def page(self, wanted: HistoryFilter, *, strictly: bool = False) -> Page:
        """One page: at most `limit` rows and about `PAGE_BYTES`, and at least one row where there is one.

        A text that lies elsewhere is read from there; where that can't be now, raises `Unavailable` if it is asked
        `strictly`, else the row has what its column holds.

        One statement reads all of it but the texts that might be too much; those of the page's own rows are then asked
        for by their ids. So no more than two pages are ever loaded, and a row that arrives in between moves no other.
        """
        found = self._read(wanted)
        sizes = [columns[-1] for columns in found[: wanted.limit]]
        taken = found[: fitting(sizes)]
        width = len(self.row._fields)
        rows = [self.row._make(columns[:width]) for columns in taken]
        hidden = {columns[0]: columns[width:-1] for columns in taken} if self._source.hidden else {}
        goes_on = len(rows) < len(found)
        cursor = Cursor(time=getattr(rows[-1], self._time), id=rows[-1].id) if goes_on else None
        small = _small(wanted)
        large = {row.id for row, size in zip(rows, sizes, strict=False) if size > small}
        if large and self._source.large:
            rows = self._with_texts(rows, large)
        return Page(self._source.lay_in(rows, hidden, strictly=strictly), cursor, hidden)

    def pages(self, wanted: HistoryFilter) -> Iterator[list[Any]]:
        """Page after page to the end, one at least, each by statements of its own. Raises `Unavailable`.

        The first one's newest row is the upper end: what arrives later is newer, or comes in a later page.
        """
        while True:
            found = self.page(wanted, strictly=True)
            yield found.rows
            if found.next is None:
                return
            if not connection.in_atomic_block:  # else the transaction's owner wants all of it as of one moment
                close_old_connections()  # for there may be as much time between two pages as between two requests
            wanted = replace(wanted, after=found.next)

    def one(self, row_id: UUID) -> Page:
        """A page of one row. Raises `NoSuchRecord`."""
        columns = self._source.rows.filter(pk=row_id).values_list(*self.row._fields, *self._source.hidden).first()
        if columns is None:
            raise unknown()
        width = len(self.row._fields)
        hidden = {row_id: columns[width:]}
        rows = self._source.lay_in([self.row._make(columns[:width])], hidden, strictly=False)
        return Page(rows, None, hidden)

    def require(self, row_id: UUID) -> None:
        """Raises `NoSuchRecord` where there is no such row."""
        if not self._source.rows.filter(pk=row_id).exists():
            raise unknown()

    def matching(self, wanted: HistoryFilter) -> "QuerySet[Any]":
        """All rows from `after` on, newest first, as one range of the index over the columns that are given."""
        rows = self._source.rows.order_by(*(f"-{column}" for column in (*wanted.equal, self._time, "id")))
        return rows.filter(*(compared(**values) for compared, values in self._bounds(wanted)))

    def _bounds(self, wanted: HistoryFilter) -> list[Bound]:
        """The range's ends, the lower one first, where it has them."""
        equal, time, since, until, after = dict(wanted.equal), self._time, wanted.since, wanted.until, wanted.after
        lowest = equal if since is None else equal | {time: since}
        bounds: list[Bound] = [(at_least, lowest)] if lowest else []
        if after is not None and (until is None or after.time < until):
            return [*bounds, (below, equal | {time: after.time, "id": after.id})]
        if until is not None:
            return [*bounds, (below, equal | {time: until})]
        return [*bounds, (at_most, equal)] if equal else bounds

    def _read(self, wanted: HistoryFilter) -> list[tuple[Any, ...]]:
        """Columns, hidden columns and size of each row, and of one more than the page has.

        A text that might be too much is None.
        """
        bounds = self._bounds(wanted)
        shape = (self._source.name, wanted.limit, *((compared, *values) for compared, values in bounds))
        values = [pair for _, compared in bounds for pair in compared.items()]
        return statement_cache.ask(shape, lambda: self._readable(wanted), values)

    def _readable(self, wanted: HistoryFilter) -> "QuerySet[Any, Any]":
        texts = {text: Case(When(payload_bytes__lte=_small(wanted), then=F(text))) for text in self._source.large}
        columns = [texts.get(column, column) for column in self.row._fields]
        rows = self.matching(wanted).values_list(*columns, *self._source.hidden, "payload_bytes")
        return rows[: wanted.limit + 1]

    def _with_texts(self, rows: list[Any], large: set[UUID]) -> list[Any]:
        """The rows, the large ones with the texts that they lack, or without them where they were erased just now."""
        names = self._source.large
        found = self._source.rows.filter(id__in=large).values_list("id", *names)
        texts = {row_id: dict(zip(names, given, strict=True)) for row_id, *given in found}
        return [row._replace(**texts.get(row.id, {})) for row in rows if row.id not in large or row.id in texts]


def unknown() -> NoSuchRecord:
    """For an id that no row has."""
    return NoSuchRecord("No record has this id. A new one appears once it is written: try again soon.")


def _small(wanted: HistoryFilter) -> int:
    """Bytes; as many rows as a page has, each of this size, are a page."""
    return PAGE_BYTES // (wanted.limit + 1)


def _row_type(source: RecordSource) -> type[Any]:
    """Rows of the record's own fields, and of when they were written."""
    hints = get_type_hints(source.record)
    names = [name for name in source.record.field_names() if name not in source.hidden]
    shown = {name: hints[name] for name in names} | {"created_at": datetime}
    base: Any = NamedTuple("Columns", list(shown.items()))  # type: ignore[misc] # made of another class' fields

    def described(row: Any) -> dict[str, Any]:
        """For `as_json`; JSON texts are laid in unparsed."""
        members: dict[str, Any] = row._asdict()
        return members | {name: orjson.Fragment(getattr(row, name)) for name in source.json}

    return type("Row", (base,), {"__slots__": (), "described": described})
