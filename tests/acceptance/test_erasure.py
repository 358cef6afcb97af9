"""After `erase`, the name is in no file under the state folder, in no table, and nowhere in Redis."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import redis

from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

PROCESSES = ("redis", "web", "publisher", "worker-logs", "worker-jobs")
NAME, OTHER = "MARKER 김민준", "Another Patient"
BODY = {"doctor_name": "Dr. Synthetic", "patient_name": NAME, "features": {"radius_mean": 14.1}}
TABLE = "ml_proxy_inferencelog"


def spellings() -> set[bytes]:
    """The name as text, and escaped in JSON."""
    return {b"MARKER", "김민준".encode(), json.dumps("김민준").encode()[1:-1]}


def files_with_the_name(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(spelling in path.read_bytes() for spelling in spellings())]


def keys_with_the_name(system: System) -> list[bytes]:
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as client:
        dumped = {key: client.dump(key) or b"" for key in client.scan_iter()}
    return [key for key, value in dumped.items() if any(spelling in value for spelling in spellings())]


def tables_with_the_name(system: System) -> list[str]:
    """Looks in each row as text. SQLite's one file is looked through as a file; PostgreSQL's are elsewhere."""
    if "DATABASE_URL" not in system.environment:
        return []
    found = system.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [table for [table] in found if has_the_name(system.sql(f'SELECT t::text FROM "{table}" t'))]  # noqa: S608


def has_the_name(rows: list[tuple[str]]) -> bool:
    """In clear, or in the digits of a binary column."""
    texts = [text.encode() for [text] in rows]
    return any(each in text for text in texts for name in spellings() for each in (name, name.hex().encode()))


def test_an_erased_name_is_in_no_file_and_in_no_key(make_system: Callable[..., System], model: ScriptedModel) -> None:
    """Rows whose segment is still open, a quarantined record, feedback, an idempotency key; others stay."""
    system = make_system(INLINE_MAX_BYTES="1024", ML_SERVER_URL=model.url)
    system.start(*PROCESSES)
    assert system.predict(BODY).status_code == 200
    until(lambda: system.sql(f"SELECT count(*) FROM {TABLE}") == [(1,)], what="the first row")  # noqa: S608 - our name
    system.sql(f"CREATE UNIQUE INDEX mistake ON {TABLE} (request_id)")
    for name in (NAME, OTHER):
        for number in range(3):
            fields = {"Idempotency_Key": uuid.uuid4().hex, "X_Request_ID": f"{name == NAME}-{number % 2}"}
            assert system.predict(BODY | {"patient_name": name}, **fields).status_code == 200
    until(lambda: system.sql("SELECT count(*) FROM recording_disposition") == [(2,)], what="the quarantined ones")
    system.sql("DROP INDEX mistake")
    large = BODY | {"note": f"{NAME} " * 1000}
    assert system.predict(large).status_code == 200
    until(lambda: system.sql(f"SELECT count(*) FROM {TABLE}") == [(6,)], what="the rows")  # noqa: S608 - our name
    assert files_with_the_name(system.folder)
    if "DATABASE_URL" in system.environment:
        assert {TABLE, "recording_disposition"} <= set(tables_with_the_name(system))

    done = system.manage("erase", "--patient", NAME, "--reason", "asked for", "--yes")
    assert "4 rows were erased, and 1 quarantined records; their tombstones verify." in done, done
    assert files_with_the_name(system.folder) == []
    assert tables_with_the_name(system) == []
    assert keys_with_the_name(system) == []
    assert len(system.history(patient=OTHER).json()) == 2
    assert "all in place and unchanged" in system.manage("verify_log", "--no-progress")
    assert system.predict(BODY | {"patient_name": OTHER}).status_code == 200
    until(lambda: len(system.history(patient=OTHER).json()) == 3, what="a record after the erasure")
    assert "all in place and unchanged" in system.manage("verify_log", "--no-progress")
