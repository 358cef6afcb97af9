"""Pages of history and of the admin's list of inferences: at every depth, for names that are frequent and rare."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count
from django.test import Client
from tqdm import tqdm

from ml_proxy import history
from ml_proxy.history import HISTORY, Cursor, HistoryFilter, wanted
from ml_proxy.models import InferenceLog
from tools.benchmarks.scale.asking import Asked, measure
from tools.benchmarks.scale.run import Run

PAGE, LIST = "page", "list"
DEPTHS = (0.0, 0.1, 0.5, 0.99)
PLACES = 10  # near each depth, so that it is not one page that is read again and again
ADMIN = "/admin/ml_proxy/inferencelog/"
LIST_MOST = 130  # rows of one of the admin's statements: what doctors and patients of a name make together


@dataclass(frozen=True)
class Who:
    """Whose rows are asked for, by which index, and how many there are."""

    name: str
    question: HistoryFilter
    index: str
    count: int

    def places(self, depth: float) -> list[Cursor]:
        """Some around a depth."""
        first = int(depth * self.count)
        found = HISTORY.matching(self.question).values_list("predicted_at", "id")[first : first + 100 * PLACES]
        return [Cursor(time=moment, id=row_id) for moment, row_id in list(found)[::100]]


def pages(run: Run) -> None:
    """History's pages of 100."""
    for each in tqdm(questions(), desc="pages of history", unit="question"):
        run.add(PAGE, each.name, *measure(each, run.executions))


def questions() -> list[Asked]:
    """A page of everybody's at each depth, and within bounds."""
    return [each for who in everybody() for each in _asked(who)]


def everybody() -> list[Who]:
    """All; the busiest doctor, one of the rarest, the most frequent patient, and that of the busiest doctor."""
    doctor, rare = _named("doctor_name", first=True), _named("doctor_name", first=False)
    patient = _named("patient_name", first=True)
    theirs = _named("patient_name", first=True, doctor_name=doctor)
    asked = {
        "all": (wanted(), "inference_newest"),
        "busiest doctor": (wanted(doctor=doctor), "inference_by_doctor"),
        "rare doctor": (wanted(doctor=rare), "inference_by_doctor"),
        "patient": (wanted(patient=patient), "inference_by_patient"),
        "both": (wanted(doctor=doctor, patient=theirs), "inference_by_both"),
    }
    return [Who(name, *each, HISTORY.matching(each[0]).count()) for name, each in asked.items()]


def _named(column: str, *, first: bool, **among: str) -> str:
    """The name with the most rows, or with the fewest that still fill a page; with the most where none does so."""
    counts = InferenceLog.objects.filter(**among).values_list(column).annotate(rows=Count("id"))
    if not first:
        full = counts.filter(rows__gt=100).order_by("rows", column).first()
        counts = counts if full is None else counts.filter(**{column: full[0]})
    found: str = counts.order_by("-rows", column)[0][0]
    return found


def _asked(who: Who) -> Iterator[Asked]:
    make = partial(Asked, index=who.index, most=who.question.limit + 1)
    for depth in DEPTHS:
        questions = [replace(who.question, after=place) for place in who.places(depth)] if depth else [who.question]
        yield make(f"{who.name}, {depth:.0%} deep", [partial(history.page, question) for question in questions])
    until, since = (who.places(depth)[0].time for depth in (0.4, 0.6))
    bounded = replace(who.question, since=since, until=until)
    yield make(f"{who.name}, since and until", [partial(history.page, bounded)])


def lists(run: Run) -> None:
    """The admin's list: as it opens, deep, filtered, searched."""
    client = _signed_in()
    found = {who.name: who for who in everybody()}
    everyone, doctor, patient = found["all"], found["busiest doctor"], found["patient"]
    queries: dict[str, tuple[dict[str, Any], str]] = {
        "first": ({}, "inference_newest"),
        "99% deep": ({"p": everyone.places(0.99)[0].opaque()}, "inference_newest"),
        "within a year": ({"within": "year"}, "inference_newest"),
        "a doctor searched": ({"q": doctor.question.equal["doctor_name"]}, "inference_by_doctor"),
        "a doctor searched, 99% deep": (
            {"q": doctor.question.equal["doctor_name"], "p": doctor.places(0.99)[0].opaque()},
            "inference_by_doctor",
        ),
        "a patient searched": ({"q": patient.question.equal["patient_name"]}, "inference_by_patient"),
        "an id searched": ({"q": str(everyone.places(0.5)[0].id)}, "pkey"),
    }
    for name, (query, index) in tqdm(queries.items(), desc="pages of the admin", unit="question"):
        act = partial(_look, client, f"{ADMIN}?{urlencode(query)}")
        run.add(LIST, name, *measure(Asked(name, [act], index, LIST_MOST, may_sort="q" in query), run.executions))


def _signed_in() -> Client:
    client = Client()
    client.force_login(User.objects.get_or_create(username="scale", is_staff=True, is_superuser=True)[0])
    return client


def _look(client: Client, url: str) -> None:
    response = client.get(url, secure=True)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answers {response.status_code}")
