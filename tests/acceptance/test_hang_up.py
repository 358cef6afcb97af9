"""A caller who hangs up ends its statement in the database, and nobody else's."""

import json
import sqlite3
from collections.abc import Callable

import pytest
import requests

from tests.acceptance.helpers.slow_callers import JSON_HEAD, RawCaller
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
SECONDS = 8


@pytest.fixture
def system(make_system: Callable[..., System]) -> System:
    made = make_system(QUERY_SECONDS=str(SECONDS))
    folder = made.folder / "databases"
    folder.mkdir(exist_ok=True)
    with sqlite3.connect(folder / "clinic.sqlite3") as connection:
        connection.execute("CREATE TABLE visits (id INTEGER)")
    connection.close()
    made.start("redis", "worker-logs", "publisher", "web")
    return made


def test_who_hangs_up_ends_the_statement_and_nobody_elses(system: System) -> None:
    info = {"engine": "sqlite", "db": "clinic.sqlite3"}
    database = requests.post(
        f"{system.url}/ddp/db", json={"kor_name": "의원", "connection_info": info}, timeout=60
    ).json()["id"]
    path = f"/llm/execute-sql/db/{database}/"
    leaving = ask(system, f"{path}leaves")
    until(lambda: is_busy(system))
    leaving.sock.close()
    until(lambda: outcomes(system) == {"leaves": "cancelled"}, seconds=SECONDS - 2)
    staying = ask(system, f"{path}stays")
    until(lambda: is_busy(system))
    ask(system, f"{path}leaves-too").sock.close()
    assert staying.answer()[0] == 504, "it ran to its deadline"
    staying.sock.close()
    until(lambda: outcomes(system).get("stays") == "timed-out")


def ask(system: System, path: str) -> RawCaller:
    body = json.dumps({"query": ENDLESS}).encode()
    caller = RawCaller(int(system.environment["GATEWAY_PORT"]))
    caller.begin(f"POST {path}", length=len(body), sent=body, fields=JSON_HEAD)
    return caller


def is_busy(system: System) -> bool:
    """Whether the gateway has the file of the database open, as it has while a statement runs."""
    return any(
        file.path.endswith("clinic.sqlite3") for process in system.family("web") for file in process.open_files()
    )


def outcomes(system: System) -> dict[str, str]:
    rows = requests.get(f"{system.url}/llm/executions/", timeout=60).json()
    return {row["session_id"]: row["outcome"] for row in rows}
