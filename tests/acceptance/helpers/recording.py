"""Sends predictions from several clients at once, and checks their rows."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.support.metrics import Scrape
from tests.support.system import System
from tests.support.wait import until

BODY = {"doctor_name": "Dr. Path", "patient_name": "MARKER-PATIENT", "payload": "MARKER-PAYLOAD"}


def answered(system: System, count: int) -> set[str]:
    """Sends predictions; returns the ids of those that were answered 2xx."""
    with ThreadPoolExecutor(8) as clients:
        responses = list(clients.map(lambda _: system.predict(BODY), range(count)))
    return {response.headers["X-Inference-ID"] for response in responses if response.ok}


def rows(system: System) -> list[str]:
    """Returns the ids in the log."""
    return [row["id"] for row in history_of(system)]


def history_of(system: System, **query: str) -> list[dict[str, Any]]:
    """Returns the whole history that matches, page by page."""
    answer = system.history(limit="1000", **query)
    found: list[dict[str, Any]] = answer.json()
    while following := answer.links.get("next"):
        answer = requests.get(following["url"], timeout=60)
        found += answer.json()
    return found


def scrape(system: System) -> Scrape:
    """Returns the gateway's metrics; checks that they contain no patient data."""
    answer = requests.get(f"{system.url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert "MARKER" not in answer.text
    return Scrape.of(answer.text)


def assert_all_are_rows(system: System, ids: set[str]) -> None:
    """Each id is one row, no record waits, and the log verifies."""
    until(lambda: ids <= set(rows(system)), what=f"{len(ids)} rows")
    assert sorted(rows(system)) == sorted(set(rows(system)))
    until(lambda: scrape(system).numbers()["waiting"] == 0, what="nothing waiting")
    assert "all in place and unchanged" in system.manage("verify_log")
