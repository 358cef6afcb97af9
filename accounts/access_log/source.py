"""The record source of the access log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Exists, OuterRef

from accounts.access_log import subjects
from accounts.access_log.records import AccessRecord, names_in
from accounts.models import AccessLog, AccessSubject
from common import person_names
from recording.history import HistoryFilter, bounds_of
from recording.lookups import lookup
from recording.records import SealableRecord
from recording.sources import Filter, RecordSource

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from recording.findings import Step

LISTS = {"patient": "patients", "doctor": "doctors"}  # columns with lists of people, by kind and filter


class AccessRow(NamedTuple):
    """The columns of the access log that a reader gets."""

    id: UUID
    recorded_at: "datetime"
    account: str
    token_id: str
    address: str
    method: str
    route: str
    action: str
    filters: str
    row_count: int
    patients: str
    doctors: str
    purpose: str
    status: int
    detail: str
    request_id: str

    def described(self) -> dict[str, Any]:
        """Returns the JSON members for `as_json`; JSON texts are inserted unparsed."""
        texts = {name: orjson.Fragment(getattr(self, name)) for name in ("filters", "patients", "doctors")}
        return self._asdict() | texts


class AccessSource(RecordSource):
    """Stores accesses in `AccessLog`, and whom they name in `AccessSubject`."""

    record = AccessRecord
    model = AccessLog
    row = AccessRow
    noun = "access"
    filters: ClassVar[Mapping[str, Filter]] = {
        "patient": Filter("patients", person_names.canonical),
        "doctor": Filter("doctors", person_names.canonical),
        "account": Filter("account"),
    }
    large = ("patients", "doctors")

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Writes whom the rows name."""
        subjects.insert(rows)

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Deletes whom the rows name."""
        AccessSubject.objects.filter(access__in=[row.pk for row in rows]).delete()

    def verify_derived(self) -> "Iterator[Step]":
        """Compares the table of people with the rows."""
        return subjects.verify()

    def matching(self, values: Mapping[str, Any]) -> "QuerySet[Any]":
        """The rows that name these people, and are of this account."""
        rows = self.rows.filter(account=values["account"]) if "account" in values else self.rows
        for kind in LISTS.keys() & values.keys():
            named = AccessSubject.objects.filter(access=OuterRef("pk"), kind=kind, name_key=lookup(kind, values[kind]))
            rows = rows.filter(Exists(named))
        return rows

    def matches(self, record: SealableRecord, values: Mapping[str, Any]) -> bool:
        """Whether a record names these people, and is of this account."""
        people = all(values[kind] in names_in(getattr(record, LISTS[kind])) for kind in LISTS.keys() & values.keys())
        return people and super().matches(record, {name: values[name] for name in values.keys() - LISTS.keys()})

    def has_columns(self, equal: Iterable[str]) -> bool:
        """Whether the filter names nobody. The columns with lists of people have no index."""
        return not any(column in LISTS.values() for column in equal)

    def look_up(self, wanted: HistoryFilter) -> list[UUID]:
        """The ids of accesses to a person, as one range of an index of `AccessSubject`."""
        people = {kind: wanted.equal[column] for kind, column in LISTS.items() if column in wanted.equal}
        (kind, name), *others = people.items()
        place = {"kind": kind, "name_key": lookup(kind, name)}
        if "account" in wanted.equal:
            place["account"] = wanted.equal["account"]
        query = replace(wanted, equal=place)
        bounds = bounds_of(query, "recorded_at", "access")
        found = AccessSubject.objects.filter(*(compared(**values) for compared, values in bounds))
        for other, its_name in others:
            its_key = lookup(other, its_name)
            also = AccessSubject.objects.filter(access=OuterRef("access"), kind=other, name_key=its_key)
            found = found.filter(Exists(also))
        found = found.order_by(*(f"-{column}" for column in place), "-recorded_at", "-access_id")
        return list(found.values_list("access_id", flat=True)[: wanted.limit + 1])

    def kept_after_erasure(self, values: Mapping[str, Any]) -> str:
        """How many rows still name the people."""
        people = {kind: values[kind] for kind in LISTS.keys() & values.keys()}
        count = self.matching(people).count() if people else 0
        if not count:
            return ""
        return (
            f"The access log still has the name in {count} rows: the law wants them kept (docs/compliance.md). They "
            "are erased when RETENTION_DAYS ends, or by `erase --source accounts.access` with the same names"
        )


ACCESS = AccessSource()
