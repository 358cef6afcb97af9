"""A PostgreSQL database that can't hold every text: nothing starts, and nothing is quarantined because of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.network import free_port
from tests.support.postgres import Postgres
from tests.support.settings_process import run_with_settings
from tests.support.system import ROOT, procfile
from tests.support.systems import new_name

pytestmark = pytest.mark.any_database

ENCODINGS = ["SQL_ASCII", "EUC_KR", "LATIN1"]
STARTS = {
    **{name: command for name, command in procfile().items() if name not in {"redis", "ml_server"}},
    "make up": [sys.executable, "-m", "tools.launch"],
    "migrate": [sys.executable, "manage.py", "migrate"],
}
# Writes one record of a patient whose name none of these encodings can hold, as a worker does.
WRITE = """
import django
django.setup()
from pathlib import Path
from uuid import UUID, uuid4
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from recording.batches import Batch
from recording.journal import Spool, Writer
from recording.models import Disposition
from recording.seals import keyring
from recording.tasks import NotWritten, write_records
from tests.support.record_pipeline import append, record
call_command("migrate", skip_checks=True, verbosity=0)
folder = settings.VAR_DIR / "journal"
writer = Writer(folder, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
append(writer, record(model_name="\\uae40\\u20ac\\U0001f600" * 33))
writer.close()
[name] = Spool(folder).segments()
batch = Batch.of(UUID(name.origin), "host", name.key_id, Spool(folder).entries(name))
try:
    write_records(**batch.as_message())
except NotWritten as exc:
    print(exc)
print(Disposition.objects.count(), "quarantined")
print(Client().get("/readyz").json()["parts"]["database"]["detail"])
"""


@pytest.fixture(scope="module")
def url_in(postgres: Postgres) -> Callable[[str], str]:
    """Creates a database with an encoding; returns its URL."""

    def create(encoding: str) -> str:
        options = f"ENCODING '{encoding}' LOCALE 'C'"
        return postgres.make_database(new_name(), template="template0", options=options)

    return create


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_quarantines_nothing(url_in: Callable[[str], str], encoding: str, tmp_path: Path) -> None:
    done = run_with_settings(
        tmp_path, WRITE, DATABASE_URL=url_in(encoding), DEBUG="1", DJANGO_SETTINGS_MODULE="backend.settings"
    )
    assert done.returncode == 0, done.stderr
    written, quarantined, readiness = done.stdout.splitlines()
    assert f"the database has the encoding {encoding}, not UTF8 (DataError)" in written
    assert quarantined == "0 quarantined"
    assert readiness == f"The database has the encoding {encoding}, not UTF8."


@pytest.mark.parametrize(
    ("name", "encoding"),
    [*((name, "SQL_ASCII") for name in STARTS), *(("migrate", encoding) for encoding in ENCODINGS[1:])],
)
def test_nothing_starts(url_in: Callable[[str], str], name: str, encoding: str, tmp_path: Path) -> None:
    ports = {port: str(free_port()) for port in ("GATEWAY_PORT", "ML_SERVER_PORT", "FLOWER_PORT", "REDIS_PORT")}
    variables = {"PATH": os.environ["PATH"], "DEBUG": "1", "VAR_DIR": str(tmp_path), **ports}
    done = subprocess.run(
        STARTS[name],
        cwd=ROOT,
        env=variables | {"DATABASE_URL": url_in(encoding)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"DATABASE_URL names a database with the encoding {encoding}" in done.stderr
    assert "createdb --encoding UTF8 --template template0 NAME" in done.stderr
    assert "Traceback" not in done.stderr
