"""With DATA_KEYS, names and payloads are in no file on disk in clear; without, the same search finds them."""

import base64
import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import STATE
from tests.support.clear_text import files_with, korean_marker, marker
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

PROCESSES = ("redis", "web", "publisher", "worker-logs", "worker-jobs", "beat")
TABLE, EXECUTIONS = "ml_proxy_inferencelog", "text_to_sql_queryexecutionlog"


def count(system: System, table: str) -> int:
    (found,) = system.sql(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
    return int(found[0])


def send_everything(system: System, name: str, other: str) -> None:
    """A prediction of each kind, a quarantined record, a verdict and a job; each names one of the two."""
    people = {"doctor_name": f"Dr. {name}", "patient_name": other}
    first = system.predict(people, Idempotency_Key="once")
    assert first.ok
    assert system.predict(json.dumps(people, ensure_ascii=False).encode()).ok
    assert system.predict(people | {"note": f"{other} " * 1000}).ok  # stored beside the row
    form = {"scan": (f"{name}.bin", f"scan of {other}".encode(), "application/octet-stream")}
    assert requests.post(f"{system.url}/ml/v1/predict/", data=people, files=form, timeout=60).ok
    until(lambda: count(system, TABLE) == 4, what="the rows")
    history = f"{system.url}/ml/v1/history/{first.headers['X-Inference-ID']}/"
    verdict = {"verdict": "correct", "label": other, "note": f"{name} is mistaken"}
    assert requests.post(f"{history}feedback/", json=verdict, timeout=60).status_code == 201
    system.sql(f"CREATE UNIQUE INDEX mistake ON {TABLE} (request_id)")
    for _ in range(2):
        assert system.predict(people, X_Request_ID="twice").ok
    until(lambda: count(system, "recording_disposition") == 1, what="the quarantined record")
    job = requests.post(f"{system.url}/ml/v1/retrain/jobs/", json={"params": {"note": name}}, timeout=60)
    assert job.status_code == 202
    until(lambda: count(system, "attachments_pendingupload") == 0, what="the uploads")


def run_statements(system: System, name: str) -> dict[str, Any]:
    """Statements with the name on a registered database: one that runs, one that fails, one that is refused."""
    folder = system.folder / "databases"
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "clinic.sqlite3")) as clinic:
        clinic.execute("CREATE TABLE visits (patient TEXT)")

    def call(path: str, body: object) -> requests.Response:
        return requests.post(f"{system.url}{path}", json=body, timeout=60)

    info = json.dumps({"engine": "sqlite", "db": "clinic.sqlite3"})
    database = call("/ddp/db", {"kor_name": "clinic", "connection_info": info}).json()["id"]
    tables = call(f"/ddp/db/{database}/extract/table", None).json()
    assert call(f"/ddp/db/{database}/table", tables).status_code == 201
    statements = [
        text.replace("NAME", name)
        for text in (
            "SELECT patient FROM visits WHERE patient = 'NAME'",
            "SELECT json_extract('NAME', '$.x') FROM (SELECT count(*) FROM visits) AS counted",
            "DELETE FROM visits WHERE patient = 'NAME'",
            "SELECT 'NAME",
        )
    ]
    answers = [call(f"/llm/execute-sql/db/{database}/session-1", {"query": each}) for each in statements]
    until(lambda: count(system, EXECUTIONS) == len(statements), what="the executions")
    return {each: answer.status_code for each, answer in zip(statements, answers, strict=True)}


def assert_it_reads_everything(system: System, name: str, other: str) -> None:
    rows = system.history(doctor=f"Dr. {name}", patient=other).json()
    assert len(rows) == 5
    assert {(row["doctor_name"], row["patient_name"]) for row in rows} == {(f"Dr. {name}", other)}
    assert system.history(patient=name).json() == []
    assert f"{other} " * 1000 in {row["input_data"].get("note") for row in rows}
    [file] = [file for row in rows for file in row.get("files", []) if file["pointer"]]
    assert file["filename"] == f"{name}.bin"
    assert requests.get(f"{system.url}{file['url']}", timeout=60).content == f"scan of {other}".encode()
    verdicts = requests.get(f"{system.url}/ml/v1/history/{rows[-1]['id']}/feedback/", timeout=60).json()
    assert [(each["label"], each["note"]) for each in verdicts] == [(other, f"{name} is mistaken")]
    again = system.predict({"doctor_name": f"Dr. {name}", "patient_name": other}, Idempotency_Key="once")
    assert again.headers["X-Inference-ID"] == rows[-1]["id"]
    assert "all in place and unchanged" in system.manage("verify_log", "--files", "--no-progress")


def on_disk(system: System) -> list[Path]:
    """The state folder, and with PostgreSQL the server's, once all pages are written."""
    if not system.environment.get("DATABASE_URL"):
        return [system.folder]
    system.sql("CHECKPOINT")
    return [system.folder, STATE / "postgres"]


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["clear", "encrypted"])
def test_names_are_in_no_file(make_system: Callable[..., System], model: ScriptedModel, is_encrypted: bool) -> None:
    since = time.time() - 2
    keys = base64.b64encode(os.urandom(32)).decode() if is_encrypted else ""
    system = make_system(
        DATA_KEYS=keys, INLINE_MAX_BYTES="1024", ML_SERVER_URL=model.url, LOG_LEVEL="DEBUG", JOB_SWEEP_SECONDS="1"
    )
    system.start(*PROCESSES)
    names = marker(), korean_marker()
    send_everything(system, *names)
    found = files_with(on_disk(system), names, since=since)
    if is_encrypted:
        assert found == []
    else:  # the search can find them: in the database, the journal, Redis' file and the stored files
        places = {part for path in found for part in path.parts}
        assert places >= {"journal", "redis", "files"}, found
        assert places & {"db.sqlite3", "db.sqlite3-wal", "base"}, found
        assert "pg_wal" in places or "base" not in places
    assert_it_reads_everything(system, *names)


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["clear", "encrypted"])
def test_a_name_in_a_statement_is_in_no_file(make_system: Callable[..., System], is_encrypted: bool) -> None:
    since = time.time() - 2
    keys = base64.b64encode(os.urandom(32)).decode() if is_encrypted else ""
    system = make_system(DATA_KEYS=keys, LOG_LEVEL="DEBUG")
    system.start("redis", "web", "publisher", "worker-logs")
    name = marker()
    statuses = run_statements(system, name)
    assert next(iter(statuses.values())) == 200, statuses
    assert len(set(statuses.values())) > 1, statuses
    found = files_with(on_disk(system), [name], since=since)
    assert (found == []) == is_encrypted, found
    assert not any(path.suffix == ".log" for path in found), found
    logged = requests.get(f"{system.url}/llm/executions/", timeout=60).json()
    assert {each["query"] for each in logged} == statuses.keys()


def test_turning_it_on_later_leaves_no_row_in_clear(make_system: Callable[..., System], model: ScriptedModel) -> None:
    system = make_system(ML_SERVER_URL=model.url, INLINE_MAX_BYTES="1024", JOB_SWEEP_SECONDS="1")
    system.start(*PROCESSES)
    names = marker(), korean_marker()
    send_everything(system, *names)
    for name in PROCESSES[1:]:
        system.kill(name, 15)
    system.environment["DATA_KEYS"] = base64.b64encode(os.urandom(32)).decode()
    system.start(*PROCESSES[1:])
    assert system.ask("encrypt_data", "--check").returncode == 1
    system.manage("encrypt_data", "--no-progress")
    until(lambda: system.ask("encrypt_data", "--check").returncode == 0, what="a journal without clear records")
    if not system.environment.get("DATABASE_URL"):  # PostgreSQL keeps old versions of rows until VACUUM FULL
        stored = [path for path in files_with([system.folder], names) if "redis" not in path.parts]
        assert stored == []
    assert_it_reads_everything(system, *names)
