"""A backup of a running system, restored on an empty host: rows, proofs and pictures whole, and nothing else."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import requests
from psycopg.conninfo import conninfo_to_dict

from recording.journal.spool import BACKUP_LOCK_NAME
from tests.support.model import ScriptedModel
from tests.support.postgres import Postgres
from tests.support.system import ROOT, System
from tests.support.systems import new_name
from tests.support.wait import until

DIGIT = (ROOT / "docs" / "examples" / "digit.png").read_bytes()
NAMES = {"doctor_name": "Dr. Yoon (synthetic)", "patient_name": "김민준 (synthetic)"}
INTACT = "all in place and unchanged"


def run(script: str, argument: Path, system: System, server: Postgres) -> subprocess.CompletedProcess[str]:
    """A script with the system's database and state folder."""
    given = conninfo_to_dict(system.environment["DATABASE_URL"])
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname", "PGPASSWORD": "password"}
    variables = {name: str(given[key]) for name, key in names.items() if given.get(key)}
    variables |= {"PATH": f"{server.programs}:{os.environ['PATH']}", "VAR_DIR": str(system.folder)}
    command = ["sh", str(ROOT / "scripts" / script), str(argument)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)


def upload(system: System) -> str:
    files = {"image": ("digit.png", DIGIT, "image/png")}
    answer = requests.post(f"{system.url}/ml/v1/predict/", data=NAMES, files=files, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Inference-ID"]


@contextmanager
def predictions(system: System) -> Iterator[None]:
    """Predictions one after the other, in a thread, during the block."""
    done = threading.Event()

    def predict() -> None:
        while not done.is_set():
            system.predict({"doctor_name": "Dr. Busy", "patient_name": "somebody"})

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def ids(system: System) -> set[str]:
    """The ids of the pictures' rows."""
    return {row["id"] for row in system.history(doctor=NAMES["doctor_name"]).json()}


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_backup_is_restored_on_an_empty_host(
    is_busy: bool, make_system: Callable[..., System], model: ScriptedModel, postgres: Postgres, tmp_path: Path
) -> None:
    lost = make_system(ml_server_url=model.url)
    if "DATABASE_URL" not in lost.environment:
        pytest.skip("the scripts are for PostgreSQL")
    lost.start("redis", "web", "publisher", "worker-logs")
    written = {upload(lost), upload(lost)}
    until(lambda: ids(lost) == written, what="the rows")
    if not is_busy:
        lost.kill("worker-logs")
    waiting = {upload(lost)}  # without a worker, it is in the journal only
    with predictions(lost) if is_busy else nullcontext():
        made = run("backup", tmp_path / "backups", lost, postgres)
    assert made.returncode == 0, made.stderr
    backup = Path(made.stdout.strip())
    upload(lost)  # after the backup
    lost.stop()

    found = make_system(ml_server_url=model.url)
    found.environment["DATABASE_URL"] = postgres.make_database(new_name())
    for name in ("secret_key", "seal_key"):  # a server has them in its .env
        shutil.copy(lost.folder / name, found.folder / name)
    restored = run("restore-backup", backup, found, postgres)
    assert restored.returncode == 0, restored.stderr
    found.start("redis", "web", "publisher", "worker-logs")
    until(lambda: ids(found) >= written | waiting, what="all rows")
    until(lambda: INTACT in found.ask("verify_log", "--files").stdout, what="the rows that waited in the journal")
    assert is_busy or ids(found) == written | waiting
    for name in written | waiting:
        [file] = requests.get(f"{found.url}/ml/v1/history/{name}/", timeout=60).json()["files"]
        assert requests.get(found.url + file["url"], timeout=60).content == DIGIT

    again = run("restore-backup", backup, found, postgres)
    assert (again.returncode, "restore into an empty one" in again.stderr) == (1, True)
    with (backup / "database.dump").open("r+b") as dump:
        dump.seek(100)
        dump.write(b"damage")
    damaged = run("restore-backup", backup, found, postgres)
    assert (damaged.returncode, "is damaged" in damaged.stderr) == (1, True)


def test_two_backups_do_not_run_at_once(make_system: Callable[..., System], postgres: Postgres, tmp_path: Path) -> None:
    system = make_system()
    if "DATABASE_URL" not in system.environment:
        pytest.skip("the scripts are for PostgreSQL")
    (system.folder / "journal").mkdir()
    lock = system.folder / "journal" / BACKUP_LOCK_NAME
    lock.touch()
    with subprocess.Popen(["flock", str(lock), "cat"], stdin=subprocess.PIPE) as holder:
        until(lambda: subprocess.run(["flock", "-n", str(lock), "true"], check=False).returncode == 1)
        second = run("backup", tmp_path / "backups", system, postgres)
        assert (second.returncode, "another backup" in second.stderr) == (1, True)
        holder.communicate()
    assert list((tmp_path / "backups").iterdir()) == []
