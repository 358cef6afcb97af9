"""Paging through the log while it grows, and the query cost of a page at any depth."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from common.paging import PAGE_BYTES
from ml_proxy.models import InferenceLog
from tests.support.feedback import insert_agreements
from tests.support.inference_rows import NOON, insert_row, insert_rows
from tests.support.query_plans import Cost, query_costs
from tests.support.wait import until

ROWS = 10_000
HISTORY = "/ml/v1/history/"
TABLE = "ml_proxy_inferencelog"
MAX_SEGMENTS_READ = 50  # rows for a page of 20; on SQLite the number is estimated, and a page's rows have many columns

# One doctor has every second row, and one patient nearly all others. A query for both that used only one of the
# single-name indexes would read half the table.
DOCTOR = "CASE WHEN i % 2 = 0 THEN 'Dr. Half' ELSE 'Dr. ' || i % 50 END"
PATIENT = "CASE WHEN i % 2 = 1 OR i % 100 = 0 THEN 'Half' ELSE 'P' || i % 500 END"
MODEL = "CASE WHEN i % 2 = 1 OR i % 100 = 0 THEN 'half' ELSE 'm' || i % 4 END"  # nearly no row of Dr. Half has it


def write_until(stop: threading.Event, written: set[str]) -> None:
    """Writes rows that are newer and older than all others, and some in between."""
    moments = [NOON + timedelta(days=1), NOON - timedelta(days=1), NOON + timedelta(seconds=ROWS / 2, microseconds=1)]
    try:
        while not stop.is_set():
            for moment in moments:
                record = insert_row(predicted_at=moment + timedelta(milliseconds=len(written)), doctor_name="Dr. Late")
                written.add(str(record.id))
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_it_shows_every_row_once_and_in_order_while_rows_arrive(client: Client) -> None:
    insert_rows(ROWS, doctor="'Dr. ' || i % 7", patient="'P' || i % 11")
    seen: list[str] = []
    written: set[str] = set()
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_until, stop, written)
        try:
            until(lambda: written or writing.done(), what="the first row that arrives")
            url = f"{HISTORY}?limit=137"
            while url:
                response = client.get(url)
                assert response.status_code == 200
                seen += [row["id"] for row in response.json()]
                url = next_url(response)
        finally:
            stop.set()
    writing.result()
    assert len(written) > 20
    assert len(seen) == len(set(seen))
    there_before = [row_id for row_id in seen if row_id not in written]
    assert there_before == [str(UUID(int=number)) for number in reversed(range(ROWS))]


@pytest.mark.django_db
def test_it_neither_hides_nor_repeats_a_row_that_arrives_between_its_two_statements(client: Client) -> None:
    large = json.dumps("x" * (PAGE_BYTES // 3))  # too large to be read before the page's rows are known
    for number, text in enumerate([large, "{}", large]):
        insert_row(id=UUID(int=number), input_data=text, predicted_at=NOON + timedelta(minutes=number))
    asked: list[str] = []

    def arrive(execute: object, sql: str, params: object, many: bool, context: object) -> object:
        found = execute(sql, params, many, context)  # type: ignore[operator]
        if sql.startswith("SELECT") and not asked:
            asked.append(sql)
            insert_row(predicted_at=NOON + timedelta(days=1))
            InferenceLog.objects.filter(pk=UUID(int=0)).delete()
        return found

    with connection.execute_wrapper(arrive):
        response = client.get(f"{HISTORY}?limit=3")
    assert asked
    assert [(UUID(row["id"]).int, len(row["input_data"])) for row in response.json()] == [(2, PAGE_BYTES // 3), (1, 0)]
    assert "Link" not in response


@pytest.mark.django_db
def test_a_page_of_usual_rows_takes_one_query(client: Client) -> None:
    insert_rows(200, doctor="'Dr. Kim'", patient="'Lee'")
    for query in ("", "?doctor=Dr.+Kim", "?doctor=Dr.+Kim&patient=Lee&since=2026-03-01", "?limit=1"):
        assert len(query_costs(partial(client.get, f"{HISTORY}{query}"), TABLE)) == 1


CASES = {
    "neither": ("", "inference_newest"),
    "doctor": ("&doctor=Dr.+Half", "inference_by_doctor"),
    "patient": ("&patient=Half", "inference_by_patient"),
    "both": ("&doctor=Dr.+Half&patient=Half", "inference_by_both"),
    "model": ("&model=half", "inference_by_model"),
    "doctor and model": ("&doctor=Dr.+Half&model=half", "inference_by_doctor_model"),
}
JUDGED = (
    ("", "feedback_by_verdict"),
    ("&doctor=Dr.+Half", "feedback_by_doctor_verdict"),
    ("&model=half", "feedback_by_model_verdict"),
    ("&doctor=Dr.+Half&model=half", "feedback_by_doctor_model"),
)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES)
def test_it_reads_no_more_than_a_page_at_any_depth(client: Client, case: str) -> None:
    insert_rows(20_000, doctor=DOCTOR, patient=PATIENT, model=MODEL)
    query, index = CASES[case]
    for url in _pages(client, query):
        keys, *rows = query_costs(partial(client.get, url), TABLE)
        _assert_a_page(keys, index)
        assert all(cost.rows <= MAX_SEGMENTS_READ for cost in rows), rows
    assert _is_bounded_by_place(keys), keys


@pytest.mark.django_db
def test_it_reads_no_more_than_a_page_by_verdict(client: Client) -> None:
    insert_rows(20_000, doctor=DOCTOR, patient=PATIENT, model=MODEL)
    insert_agreements()
    for query, index in JUDGED:
        for url in _pages(client, f"&verdict=agree{query}"):
            [keys] = query_costs(partial(client.get, url), "ml_proxy_feedback")
            _assert_a_page(keys, index)
            rows = query_costs(partial(client.get, url), TABLE)
            assert all(cost.rows <= MAX_SEGMENTS_READ for cost in rows), rows


def _pages(client: Client, query: str) -> list[str]:
    """A first page, one within times, one of a time without rows, and a deep one."""
    first = deep = f"{HISTORY}?limit=20{query}"
    for _ in range(5):
        deep = next_url(client.get(deep)) or deep
    bounded = f"{first}&since=2026-03-01T12:30Z&until=2026-03-01T14:00Z"
    return [first, bounded, f"{first}&since=2026-03-09", deep]


def _assert_a_page(keys: Cost, index: str) -> None:
    """The statement is one range of the index, in its order, and reads few rows."""
    assert index in keys.plan, keys
    assert "TEMP B-TREE" not in keys.plan
    assert "Sort" not in keys.plan
    assert keys.rows <= MAX_SEGMENTS_READ, keys


def next_url(response: Any) -> str:
    """Returns the URL of the next page; empty after the last page."""
    return response["Link"].partition(">")[0].removeprefix("<http://testserver") if "Link" in response else ""


def _is_bounded_by_place(cost: Cost) -> bool:
    """Whether the cursor bounds the index scan, so that the rows before it are not read."""
    return ("predicted_at,id)<(" if connection.vendor == "sqlite" else "predicted_at, id) < ROW(") in cost.plan
