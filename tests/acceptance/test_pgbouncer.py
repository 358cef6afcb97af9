"""Behind PgBouncer with transaction pooling, every command and every page works while rows are inserted."""

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import Postgres
from tests.support.system import System
from tests.support.systems import new_name
from tests.support.wait import until

pytestmark = pytest.mark.any_database

CALLERS = 2
ROWS = 1200  # more than a walk's chunk
# Each in a process of its own, as at a start.
COMMANDS = [
    "migrate",
    "migrate --check",
    "check --database default",
    "retrain --wait --param epochs=1",
]
TOGETHER = [
    f"seed_demo --rows {ROWS}",
    "verify_log --no-progress",
    "verify_log --no-progress --files",
    "export --output {folder}/rows.csv --format csv",
    "export --output {folder}/rows.parquet --format parquet",
    "dataset --output {folder}/judged.ndjson",
    "restore",
    "encrypt_data --no-progress",
    "encrypt_data --no-progress --check",
    "create_token operator --name one",
    "revoke_token --user operator",
    "unlock --all",
    "subject_export --patient Nam --output {folder}/subject",
    "erase --patient Nam --reason asked --yes",
    "access_log",
    "access_log --format csv",
    "import_products --synthetic --no-progress",
    "index_products --no-progress",
    "generate_test_databases --register",
    "rotate_credentials",
    "evaluate_sql --sample 2",
    "dumpdata recording.origin --output {folder}/origins.json",
    "clearsessions",
    "doctor",
]
# Starting a process takes longer than most of the commands.
IN_ONE_PROCESS = """
from django.core.management import call_command
for command in {commands!r}:
    print("$", command, flush=True)
    try:
        call_command(*command.split())
    except SystemExit as exc:
        print("exit status", exc.code, flush=True)
"""
PAGES = [
    "/",
    "/readyz",
    "/metrics",
    "/api/docs/",
    "/ml/v1/models/",
    "/ml/v1/history/",
    "/ml/v1/history/?doctor=Dr.+Load",
    "/ml/v1/history/{row}/",
    "/ml/v1/history/export/",
    "/ml/v1/history/export/?format=csv",
    "/ml/v1/history/export/?format=parquet",
    "/ml/v1/accuracy/?by=week",
    "/ml/v1/dataset/",
    "/ml/v1/retrain/jobs/",
    "/ml/v1/access-log/",
    "/ml/v1/access-log/export/",
    "/ddp/db",
    "/llm/executions/",
    "/llm/executions/export/",
    "/llm/logs/",
    "/llm/execute-sql/jobs/",
    "/ai/calls/",
    "/ai/jobs/",
    "/reception/",
    "/reception/{row}/",
    "/accounts/tokens/",
    "/accounts/access-log/",
    "/admin/",
    "/admin/accounts/accesslog/",
    "/admin/accounts/apitoken/",
    "/admin/accounts/profile/",
    "/admin/auth/user/",
    "/admin/auth/user/1/change/",
    "/admin/auth/group/add/",
    "/admin/jobs/job/",
    "/admin/ml_proxy/feedback/",
    "/admin/ml_proxy/inferencelog/",
    "/admin/ml_proxy/inferencelog/{row}/change/",
    "/admin/recording/disposition/",
]


class Site:
    """A system that reaches its database through PgBouncer."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.body: dict[str, Any] = {}

    def start(self) -> None:
        """Migrates, starts everything and fills the log."""
        self.system.manage("migrate", "-v0")
        self.system.environment["DJANGO_SUPERUSER_PASSWORD"] = "a long enough password"
        self.system.manage("createsuperuser", "--noinput", "--username", "operator", "--email", "o@example.org")
        self.system.start("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs")
        card = until(lambda: requests.get(f"{self.system.url}/ml/v1/model-info/", timeout=60).json()["models"][0])
        self.body = card["example"] | {"doctor_name": "Dr. Load", "patient_name": "Lee"}
        self.system.manage("seed_demo", "--rows", str(ROWS))

    def load(self, stop: threading.Event) -> int:
        """Predicts until the stop; returns how many answers came. Each answer becomes a row."""
        count = 0
        while not stop.is_set():
            assert self.system.predict(self.body).status_code == 200
            count += 1
        return count

    def signed_in(self) -> requests.Session:
        """A browser of the operator."""
        session = requests.Session()
        page = f"{self.system.url}/admin/login/"
        session.get(page, timeout=60)
        password = self.system.environment["DJANGO_SUPERUSER_PASSWORD"]
        form = {"username": "operator", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        assert session.post(page, form, allow_redirects=False, timeout=60).status_code == 302
        return session


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Site]:
    name = new_name()
    postgres.make_database(name)
    with closing(PgBouncer(tmp_path_factory.mktemp("pgbouncer"), postgres)) as bouncer:
        folder, key = tmp_path_factory.mktemp("system"), base64.b64encode(os.urandom(32)).decode()
        made = Site(System(folder, database_url=bouncer.url_of(name), DATA_KEYS=key))
        try:
            made.start()
            yield made
        finally:
            made.system.stop()


@pytest.fixture(scope="module")
def _load(site: Site) -> Iterator[None]:
    """Inserts rows while the tests run; at the end each answer has become a row."""
    stop = threading.Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(site.load, stop) for _ in range(CALLERS)]
        yield
        stop.set()
    answered = sum(caller.result() for caller in callers)
    query = "SELECT count(*) FROM ml_proxy_inferencelog WHERE caller = ''"  # the names are encrypted
    until(lambda: site.system.sql(query) == [(answered,)], what=f"{answered} rows")


@pytest.mark.usefixtures("_load")
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_works(site: Site, command: str, tmp_path: Path) -> None:
    done = site.system.ask(*command.format(folder=tmp_path).split())
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stdout + done.stderr


@pytest.mark.usefixtures("_load")
def test_commands_work_in_one_process(site: Site, tmp_path: Path) -> None:
    """The connection outlives each command, but not the server's session behind it."""
    row_id = site.system.predict(site.body | {"patient_name": "Nam"}).headers["X-Inference-ID"]
    until(lambda: requests.get(f"{site.system.url}/ml/v1/history/{row_id}/", timeout=60).ok)
    commands = [command.format(folder=tmp_path) for command in TOGETHER]
    done = site.system.ask("shell", "-v0", "-c", IN_ONE_PROCESS.format(commands=commands))
    said = done.stdout + done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), said
    assert re.findall(r"^\$ (.+)", done.stdout, re.MULTILINE) == commands
    # Only the doctor finds something wrong: the tests' PostgreSQL need not survive a crash.
    assert re.findall(r"^(?:exit status|wrong +).*", done.stdout.partition("$ doctor")[0], re.MULTILINE) == [], said
    [wrong] = re.findall(r"^wrong .*", done.stdout, re.MULTILINE)
    assert "fsync and synchronous_commit off" in wrong
    manifest = json.loads((tmp_path / "subject" / "manifest.json").read_text())
    assert manifest["sources"]["ml_proxy.inference"]["rows"] == 1
    assert "Everything is encrypted" in done.stdout


@pytest.mark.usefixtures("_load")
def test_each_page_works(site: Site) -> None:
    row_id = requests.get(f"{site.system.url}/ml/v1/history/?limit=1", timeout=60).json()[0]["id"]
    with site.signed_in() as browser:
        for page in PAGES:
            response = browser.get(f"{site.system.url}{page.format(row=row_id)}", timeout=60)
            assert response.status_code == 200, (page, response.text[:2000])


@pytest.mark.usefixtures("_load")
def test_feedback_is_stored_and_erased(site: Site) -> None:
    base = f"{site.system.url}/ml/v1"
    body = site.body | {"patient_name": "Park"}
    row_id = site.system.predict(body).headers["X-Inference-ID"]
    until(lambda: requests.get(f"{base}/history/{row_id}/", timeout=60).ok)
    feedback = f"{base}/history/{row_id}/feedback/"
    for status in (201, 200):
        assert requests.post(feedback, json={"verdict": "agree"}, timeout=60).status_code == status
    assert [verdict["verdict"] for verdict in requests.get(feedback, timeout=60).json()] == ["agree"]
    assert "1 rows were erased" in site.system.manage("erase", "--patient", "Park", "--reason", "asked", "--yes")
    assert requests.get(feedback, timeout=60).status_code == 404


@pytest.mark.usefixtures("_load")
def test_an_export_has_every_row_once(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    done = site.system.ask("export", "--output", str(file))
    ids = [json.loads(line)["id"] for line in file.read_text().splitlines()]
    assert len(ids) == len(set(ids)) >= ROWS
    assert re.search(rf"^{len(ids):,} rows written", done.stderr, re.MULTILINE)


@pytest.mark.usefixtures("_load")
def test_reconcile_finds_nothing_missing(site: Site) -> None:
    for _ in range(5):
        done = site.system.ask("reconcile")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("_load")
def test_a_scrape_leaves_no_setting_in_the_servers_sessions(site: Site) -> None:
    assert requests.get(f"{site.system.url}/metrics", timeout=60).ok
    with psycopg.connect(site.system.environment["DATABASE_URL"], autocommit=True) as connection:
        found = {connection.execute("SHOW statement_timeout", prepare=False).fetchone() for _ in range(20)}
    assert found == {("0",)}
