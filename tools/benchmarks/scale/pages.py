"""Measures pages of history and of the admin's list of inferences, at several depths, for frequent and rare names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count
from django.test import Client
from tqdm import tqdm

from common.row_scope import EVERYTHING
from ml_proxy import history
from ml_proxy.history import HISTORY, Cursor, HistoryFilter, wanted
from ml_proxy.models import InferenceLog
from ml_proxy.source import INFERENCES
from tools.benchmarks.scale.queries import QueryCase, measure
from tools.benchmarks.scale.run import Run

PAGE, LIST = "page", "list"
DEPTHS = (0.0, 0.1, 0.5, 0.99)
CURSORS = 10  # near each depth, so that the same page is not read repeatedly
ADMIN = "/admin/ml_proxy/inferencelog/"
LIST_MAX_ROWS = 130  # rows of one admin statement: doctors and patients of a name together


@dataclass(frozen=True)
class HistoryCase:
    """A request for history: its parameters, the filter that they stand for, its index, and the number of its rows."""

    name: str
    parameters: Mapping[str, str]
    filter: HistoryFilter
    index: str
    count: int

    def cursors(self, depth: float) -> list[Cursor]:
        """Returns some cursors near a depth, 0 to 1."""
        first = int(depth * self.count)
        found = HISTORY.matching(self.filter).values_list("predicted_at", "id")[first : first + 100 * CURSORS]
        return [Cursor(time=moment, id=row_id) for moment, row_id in list(found)[::100]]


def pages(run: Run) -> None:
    """Measures history's pages of 100."""
    for each in tqdm(page_cases(), desc="pages of history", unit="query"):
        run.add(PAGE, each.name, *measure(each, run.executions))


def page_cases() -> list[QueryCase]:
    """Returns, for each filter, pages at each depth and within time limits."""
    return [each for case in history_cases() for each in _page_cases(case)]


def history_cases() -> list[HistoryCase]:
    """Returns filters: none, busiest doctor, a rare doctor, most frequent patient, busiest doctor and their patient."""
    doctor, rare = _named("doctor_name", first=True), _named("doctor_name", first=False)
    patient = _named("patient_name", first=True)
    theirs = _named("patient_name", first=True, doctor=doctor)
    return [
        _case("all", "inference_newest"),
        _case("busiest doctor", "inference_by_doctor", doctor=doctor),
        _case("rare doctor", "inference_by_doctor", doctor=rare),
        _case("patient", "inference_by_patient", patient=patient),
        _case("both", "inference_by_both", doctor=doctor, patient=theirs),
    ]


def _case(name: str, index: str, **parameters: str) -> HistoryCase:
    query = wanted(scope=EVERYTHING, **parameters)  # type: ignore[arg-type] # all of them are names
    return HistoryCase(name, parameters, query, index, HISTORY.matching(query).count())


def _named(column: str, *, first: bool, **among: str) -> str:
    """Returns the name with the most rows, or the one with the fewest rows that still fill a page, if there is one.

    It counts in the columns of names, which must be clear.
    """
    conditions = dict(INFERENCES.condition(name, value) for name, value in among.items())
    counts = InferenceLog.objects.filter(**conditions).values_list(column).annotate(rows=Count("id"))
    if not first:
        full = counts.filter(rows__gt=100).order_by("rows", column).first()
        if full is not None:
            return str(full[0])
    found: str = counts.order_by("-rows", column)[0][0]
    return found


def _page_cases(case: HistoryCase) -> Iterator[QueryCase]:
    make = partial(QueryCase, index=case.index, max_rows=case.filter.limit + 1)
    for depth in DEPTHS:
        filters = [replace(case.filter, after=cursor) for cursor in case.cursors(depth)] if depth else [case.filter]
        yield make(f"{case.name}, {depth:.0%} deep", [partial(history.page, each) for each in filters])
    until, since = (case.cursors(depth)[0].time for depth in (0.4, 0.6))
    bounded = replace(case.filter, since=since, until=until)
    yield make(f"{case.name}, since and until", [partial(history.page, bounded)])


def lists(run: Run) -> None:
    """Measures the admin's list: the first page, deep, filtered, searched."""
    client = _signed_in()
    found = {case.name: case for case in history_cases()}
    unfiltered, doctor = found["all"], found["busiest doctor"]
    doctor_name = _named("doctor_name", first=True)
    queries: dict[str, tuple[dict[str, Any], str]] = {
        "first": ({}, "inference_newest"),
        "99% deep": ({"p": unfiltered.cursors(0.99)[0].opaque()}, "inference_newest"),
        "within a year": ({"within": "year"}, "inference_newest"),
        "a doctor searched": ({"q": doctor_name}, "inference_by_doctor"),
        "a doctor searched, 99% deep": (
            {"q": doctor_name, "p": doctor.cursors(0.99)[0].opaque()},
            "inference_by_doctor",
        ),
        "a patient searched": ({"q": _named("patient_name", first=True)}, "inference_by_patient"),
        "an id searched": ({"q": str(unfiltered.cursors(0.5)[0].id)}, "pkey"),
    }
    for name, (query, index) in tqdm(queries.items(), desc="pages of the admin", unit="query"):
        act = partial(_open_page, client, f"{ADMIN}?{urlencode(query)}")
        run.add(
            LIST, name, *measure(QueryCase(name, [act], index, LIST_MAX_ROWS, may_sort="q" in query), run.executions)
        )


def _signed_in() -> Client:
    client = Client()
    client.force_login(User.objects.get_or_create(username="scale", is_staff=True, is_superuser=True)[0])
    return client


def _open_page(client: Client, url: str) -> None:
    response = client.get(url, secure=True)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answers {response.status_code}")
