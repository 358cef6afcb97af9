"""History: queries a source's rows, newest first, in pages that new rows don't shift."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import nlargest
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

import orjson
from django.db import close_old_connections, connection
from django.db.models import Case, F, Func, QuerySet, When

from common import statement_cache
from common.exceptions import NoSuchRecord
from common.export import Piece, pieces
from common.export_formats import Form
from common.keyset import at_least, at_most, below
from common.paging import MAX_ROWS, PAGE_BYTES, fitting
from common.row_scope import Scope
from recording.sources import RecordSource

__all__ = ["MAX_ROWS", "Cursor", "History", "HistoryFilter", "Page"]

Bound = tuple[Callable[..., Func], dict[str, Any]]  # a function of `common.keyset`, and the values that it compares


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A position between pages: all older rows come after it."""

    time: datetime
    id: UUID

    def opaque(self) -> str:
        """The text that stands for it in a URL."""
        return base64.urlsafe_b64encode(f"{self.time.isoformat()} {self.id.hex}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """The cursor that `opaque` wrote. Raises `ValueError`."""
        try:
            timestamp, row_id = base64.b64decode(text + "=" * (-len(text) % 4), "-_", validate=True).decode().split(" ")
        except (binascii.Error, UnicodeError) as exc:
            raise ValueError("not a cursor") from exc
        time = datetime.fromisoformat(timestamp)
        if time.utcoffset() != timedelta():
            raise ValueError("not in UTC")
        return cls(time=time, id=UUID(row_id))


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    """A query within a row scope. `since` is inclusive, `until` exclusive; `equal` maps columns to values.

    The columns of `equal` must come in the order of an index.
    """

    scope: Scope
    equal: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: Cursor | None = None


@dataclass(frozen=True)
class Page:
    """Rows, a cursor if more rows follow, and the hidden columns, by row id, of rows where one is not blank."""

    rows: list[Any]
    next: Cursor | None
    hidden: Mapping[UUID, tuple[Any, ...]] = field(default_factory=dict)


class History:
    """Queries the rows of one source."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self._time = source.model.time_field

    @cached_property
    def row(self) -> type[Any]:
        """The type of the rows: a `NamedTuple` with `described`."""
        return getattr(self._source, "row", None) or _row_type(self._source)

    def filter(self, *, scope: Scope, limit: int = 100, after: Cursor | None = None, **values: Any) -> HistoryFilter:
        """Returns a filter by the names of the source's filters, by `since` and `until`. None is no condition."""
        since, until = values.pop("since", None), values.pop("until", None)
        equal = dict(self._source.condition(name, each) for name, each in values.items() if each is not None)
        in_order = self._in_order(equal)
        return HistoryFilter(scope=scope, equal=in_order, since=since, until=until, limit=limit, after=after)

    def export(self, wanted: HistoryFilter, form: Form) -> Iterator[Piece]:
        """Yields all matching rows as one file, in history's order and without a limit. Raises what `pages` raises."""
        return pieces(self.pages(replace(wanted, limit=MAX_ROWS)), form.writer(self.row))

    def page(self, wanted: HistoryFilter, *, strict: bool = False) -> Page:
        """One page: at most `limit` rows and about `PAGE_BYTES`, and at least one row if any matches.

        Texts in the storage are read from there. If the storage is down, raises `Unavailable` if `strict`; otherwise
        the row shows what its column holds.

        The first statement reads everything except texts that might be too large. A second one reads these by id for
        the rows of the page. So at most two pages are in memory, and rows that arrive in between shift no other row.
        """
        results = self._read(wanted)
        sizes = [columns[-1] for columns in results[: wanted.limit]]
        taken = results[: fitting(sizes)]
        width = len(self.row._fields)
        rows = [self.row._make(columns[:width]) for columns in taken]
        hidden = {columns[0]: columns[width:-1] for columns in taken if any(columns[width:-1])}
        has_more = len(rows) < len(results)
        cursor = Cursor(time=getattr(rows[-1], self._time), id=rows[-1].id) if has_more else None
        small = _small(wanted)
        large = {row.id for row, size in zip(rows, sizes, strict=False) if size > small}
        if large and self._source.large:
            rows = self._with_texts(rows, large)
        return Page(self._source.with_stored_texts(rows, hidden, strict=strict), cursor, hidden)

    def pages(self, wanted: HistoryFilter) -> Iterator[list[Any]]:
        """All pages to the end, at least one, each read by its own statements. Raises `Unavailable`.

        The newest row of the first page is the upper end: rows that arrive later are newer, or are on a later page.
        """
        while True:
            page = self.page(wanted, strict=True)
            yield page.rows
            if page.next is None:
                return
            if not connection.in_atomic_block:  # else the caller wants one consistent snapshot
                close_old_connections()  # the time between two pages may be as long as between two requests
            wanted = replace(wanted, after=page.next)

    def one(self, row_id: UUID, scope: Scope) -> Page:
        """A page of one row. Raises `NoSuchRecord`."""
        columns = (
            self._source.rows_in(scope).filter(pk=row_id).values_list(*self.row._fields, *self._source.hidden).first()
        )
        if columns is None:
            raise unknown()
        width = len(self.row._fields)
        hidden = {row_id: columns[width:]} if any(columns[width:]) else {}
        rows = self._source.with_stored_texts([self.row._make(columns[:width])], hidden, strict=False)
        return Page(rows, None, hidden)

    def require(self, row_id: UUID, scope: Scope) -> None:
        """Raises `NoSuchRecord` if no row within the scope has this id."""
        if not self._source.rows_in(scope).filter(pk=row_id).exists():
            raise unknown()

    def matching(self, wanted: HistoryFilter) -> "QuerySet[Any]":
        """All rows after `after`, newest first, as one range of the index over the columns of `equal`.

        In a scope of several doctors that is not one range: then these rows are found among those of all doctors. If
        the source looks the rows up elsewhere, these are not all rows, but those of one page of each range, and one
        more.
        """
        ranges = self._ranges(wanted)
        if not ranges:
            return self._source.rows.none()
        if not self._source.has_columns(wanted.equal):
            ids = [row_id for each in ranges for row_id in self._source.look_up(each)]
            found = self._source.rows.filter(pk__in=ids)
            return found.order_by(f"-{self._time}", "-id")
        if len(ranges) > 1:
            return self._range(wanted).filter(**self._source.within(wanted.scope))
        return self._range(ranges[0])

    def _range(self, wanted: HistoryFilter) -> "QuerySet[Any]":
        rows = self._source.rows.order_by(*(f"-{column}" for column in (*wanted.equal, self._time, "id")))
        return rows.filter(*(compared(**values) for compared, values in bounds_of(wanted, self._time)))

    def _ranges(self, wanted: HistoryFilter) -> list[HistoryFilter]:
        """The query as ranges of an index, without regard to its scope: one for each doctor in the scope."""
        if wanted.scope is None:
            return [wanted]
        if not self._source.scope_column:
            return []
        column, values = self._source.scoped(wanted.scope)
        if column in wanted.equal:
            return [wanted] if wanted.equal[column] in values else []
        return [replace(wanted, equal=self._in_order({**wanted.equal, column: value})) for value in values]

    def _in_order(self, equal: Mapping[str, Any]) -> dict[str, Any]:
        """The columns in the order of an index: the one of the scope first, unless a filter places it."""
        filters = [self._source.column(each.column) for each in self._source.every_filter.values()]
        return {column: equal[column] for column in dict.fromkeys((*filters, *equal)) if column in equal}

    def _read(self, wanted: HistoryFilter) -> list[tuple[Any, ...]]:
        """Columns, hidden columns and size of each row, for one row more than the page can have.

        Texts that might be too large are None.
        """
        ranges = self._ranges(wanted)
        if not ranges:
            return []
        if not self._source.has_columns(wanted.equal):  # the statement depends on the ids that were found
            return list(self._columns(self.matching(wanted), wanted)[: wanted.limit + 1])
        return self._read_range(ranges[0]) if len(ranges) == 1 else self._read_merged(ranges, wanted)

    def _read_range(self, wanted: HistoryFilter) -> list[tuple[Any, ...]]:
        bounds = bounds_of(wanted, self._time)
        shape = (self._source.name, wanted.limit, *((compared, *values) for compared, values in bounds))
        values = [pair for _, compared in bounds for pair in compared.items()]
        return statement_cache.ask(
            shape, lambda: self._columns(self._range(wanted), wanted)[: wanted.limit + 1], values
        )

    def _read_merged(self, ranges: list[HistoryFilter], wanted: HistoryFilter) -> list[tuple[Any, ...]]:
        """As `_read_range`, for several ranges: the newest positions of each, merged, and then their rows.

        If rows are erased between the statements, it starts again: fewer rows would look like the end.
        """
        count = wanted.limit + 1
        while True:
            found = [self._range(each).values_list(self._time, "id")[:count] for each in ranges]
            newest = nlargest(count, (position for positions in found for position in positions))
            rows = self._source.rows_in(wanted.scope).filter(id__in=[row_id for _, row_id in newest])
            read = list(self._columns(rows.order_by(f"-{self._time}", "-id"), wanted))
            if len(read) == len(newest):
                return read

    def _columns(self, rows: "QuerySet[Any]", wanted: HistoryFilter) -> "QuerySet[Any, Any]":
        texts = {text: Case(When(payload_bytes__lte=_small(wanted), then=F(text))) for text in self._source.large}
        columns = [texts.get(column, column) for column in self.row._fields]
        return rows.values_list(*columns, *self._source.hidden, "payload_bytes")

    def _with_texts(self, rows: list[Any], large: set[UUID]) -> list[Any]:
        """The rows, with the texts of the large ones filled in; large rows that were erased meanwhile are left out."""
        names = self._source.large
        results = self._source.rows.filter(id__in=large).values_list("id", *names)
        texts = {row_id: dict(zip(names, values, strict=True)) for row_id, *values in results}
        return [row._replace(**texts.get(row.id, {})) for row in rows if row.id not in large or row.id in texts]


def bounds_of(wanted: HistoryFilter, time: str, row_id: str = "id") -> list[Bound]:
    """The bounds of the range that a query reads of an index over `equal`, `time` and `row_id`.

    The lower one comes first; fewer than two if an end is open.
    """
    equal, since, until, after = dict(wanted.equal), wanted.since, wanted.until, wanted.after
    lowest = equal if since is None else equal | {time: since}
    bounds: list[Bound] = [(at_least, lowest)] if lowest else []
    if after is not None and (until is None or after.time < until):
        return [*bounds, (below, equal | {time: after.time, row_id: after.id})]
    if until is not None:
        return [*bounds, (below, equal | {time: until})]
    return [*bounds, (at_most, equal)] if equal else bounds


def unknown() -> NoSuchRecord:
    """The error for an id that no row has."""
    return NoSuchRecord("No record has this id. A new one appears once it is written: try again soon.")


def _small(wanted: HistoryFilter) -> int:
    """The row size in bytes up to which a full page of rows fits into `PAGE_BYTES`."""
    return PAGE_BYTES // (wanted.limit + 1)


def _row_type(source: RecordSource) -> type[Any]:
    """A row type with the record's fields and `created_at`."""
    hints = get_type_hints(source.record)
    names = [name for name in source.record.field_names() if name not in source.hidden]
    shown = {name: hints[name] for name in names} | {"created_at": datetime}
    base: Any = NamedTuple("Columns", list(shown.items()))  # type: ignore[misc] # made of another class' fields

    def described(row: Any) -> dict[str, Any]:
        """The members for `as_json`; JSON texts are embedded unparsed."""
        members: dict[str, Any] = row._asdict()
        return members | {name: orjson.Fragment(getattr(row, name)) for name in source.json}

    return type("Row", (base,), {"__slots__": (), "described": described})
