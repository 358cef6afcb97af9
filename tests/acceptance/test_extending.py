"""docs/extending.md, done as it says: each recipe in a copy of the repository, by its own text, in real processes."""

import csv
import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
import requests
from PIL import Image

from jobs.webhooks.signing import new_secret
from tests.support.extending import Recipe, apply, copy_repository, lines_of_code, recipes, run
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until
from tests.support.webhooks import responds, verify_signature

pytestmark = pytest.mark.any_database

RECIPES = recipes()
SOUND = "all in place and unchanged"
SECRET = new_secret()
PASSWORD = "correct horse battery"
BODY = {"doctor_name": "Dr. Han (synthetic)", "patient_name": "Lee (synthetic)"}

MakeSystem = Callable[..., System]


def in_a_copy(system: System, folder: Path) -> System:
    """The system, run from a copy of the repository."""
    system.root = copy_repository(folder)
    return system


def do(system: System, recipe: Recipe, word: str) -> str:
    """Runs the recipe's command that has this word; gives what it printed."""
    return run(recipe.command(word), system.root, system.environment).stdout


def get(system: System, path: str, **query: str) -> requests.Response:
    return requests.get(f"{system.url}/ml/v1/{path}", params=query, timeout=60)


def post(system: System, path: str, **body: Any) -> requests.Response:
    return requests.post(f"{system.url}/ml/v1/{path}", json=body, timeout=60)


def findings(system: System) -> str:
    """What `verify_log` finds; nothing in a log that is whole."""
    done = system.ask("verify_log")
    return "" if SOUND in done.stdout else done.stdout + done.stderr


def figures_of(printed: str) -> dict[str, float]:
    """The figures that `reconcile` printed."""
    lines = (line.rsplit(maxsplit=1) for line in printed.splitlines())
    return {name.strip(): float(figure.replace(",", "")) for name, figure in lines}


def test_each_recipe_is_executed_here() -> None:
    assert [*RECIPES] == [
        "A log field",
        "A record source",
        "A job kind",
        "An error",
        "A model task",
        "A provider of desk photos",
        "A setting",
    ]


@pytest.mark.parametrize("name", [*RECIPES])
def test_its_code_passes_the_linter(name: str, tmp_path: Path) -> None:
    folder = copy_repository(tmp_path)
    apply(RECIPES[name], folder)
    for words in (["check"], ["format", "--check"]):
        run([".venv/bin/ruff", *words, "--no-cache"], folder, {})


class TestALogField:
    """Old rows and old records of the journal are there when the version changes."""

    def test_a_new_version_is_recorded_shown_and_sealed_and_the_old_one_still_verifies(
        self, make_system: MakeSystem, tmp_path: Path, model: ScriptedModel
    ) -> None:
        recipe = RECIPES["A log field"]
        system = in_a_copy(make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="1"), tmp_path)
        system.start("redis", "web", "publisher", "worker-logs")
        old = {predicted(system)}
        until(lambda: departments(system).keys() == old, what="the first row")
        system.kill("worker-logs")
        old |= {predicted(system)}  # waits in the journal for the new worker
        for name in ("web", "publisher"):
            system.kill(name)
        apply(recipe, system.root)
        for word in ("makemigrations", "migrate"):
            do(system, recipe, word)
        system.start("web", "publisher", "worker-logs")
        new = predicted(system, X_Department="cardiology")
        expected = dict.fromkeys(old, "") | {new: "cardiology"}
        until(lambda: departments(system) == expected, what="all rows, with the department of the new one")
        assert findings(system) == ""
        versions = system.sql("SELECT record_version FROM ml_proxy_inferencelog ORDER BY record_version")
        assert versions == [(1,), (1,), (2,)]
        system.sql("UPDATE ml_proxy_inferencelog SET department = 'other' WHERE record_version = 2")
        assert UUID(new).hex in findings(system).replace("-", "")


def assert_described(system: System, path: str) -> None:
    """OpenAPI has the path, and its generator warns of nothing."""
    assert f"\n  {path}:" in system.manage("spectacular", "--validate", "--fail-on-warn")


def predicted(system: System, **fields: str) -> str:
    """The id of one inference."""
    response = system.predict(BODY, **fields)
    assert response.status_code == 200, response.text
    return response.headers["X-Inference-ID"]


def departments(system: System) -> dict[str, str]:
    """Of each row; blank for one that has none."""
    return {row["id"]: row.get("department", "") for row in system.history().json()}


class TestARecordSource:
    def test_it_is_forty_lines(self) -> None:
        files = RECIPES["A record source"].files
        needed = [body for name, body in files.items() if name.startswith("wards/") and name != "wards/admin.py"]
        code = sum(map(lines_of_code, needed))
        assert 20 <= code <= 40

    def test_its_rows_are_recorded_found_exported_verified_and_erased(
        self, make_system: MakeSystem, tmp_path: Path
    ) -> None:
        recipe = RECIPES["A record source"]
        system = in_a_copy(make_system(REPUBLISH_SECONDS="1"), tmp_path)
        apply(recipe, system.root)
        for word in ("makemigrations", "migrate"):
            do(system, recipe, word)
        system.start("redis", "web", "publisher", "worker-logs")
        do(system, recipe, "shell")
        until(lambda: len(temperatures(system)) == 3, what="three rows")
        rows = temperatures(system)
        assert [(row["ward"], row["celsius"]) for row in rows] == [("4 West", 3.75), ("3 East", 5.25), ("3 East", 4.5)]
        finds_them(system, rows)
        exports_them(system, recipe, rows)
        shows_them_to_people(system)
        verifies_them(system, recipe, rows[0]["id"])
        erases_them(system, recipe, [rows[0]])
        assert_described(system, "/ml/v1/temperatures/export/")

    def test_it_imports_what_it_may(self, tmp_path: Path) -> None:
        folder = copy_repository(tmp_path)
        apply(RECIPES["A record source"], folder)
        assert "0 broken" in run([".venv/bin/lint-imports", "--no-cache"], folder, {}).stdout
        rules = folder / "common" / "ids.py"
        rules.write_text(f"{rules.read_text()}\nimport wards\n")
        assert subprocess.run([".venv/bin/lint-imports", "--no-cache"], cwd=folder, check=False).returncode


def temperatures(system: System, **query: str) -> list[dict[str, Any]]:
    response = get(system, "temperatures/", **query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


def finds_them(system: System, rows: list[dict[str, Any]]) -> None:
    """By ward, by time, page by page, and one by its id; and refuses what it does not know."""
    assert temperatures(system, ward="3 East") == rows[1:]
    assert temperatures(system, until=rows[0]["recorded_at"]) == rows[1:]
    assert temperatures(system, ward="3 East", since=rows[1]["recorded_at"]) == [rows[1]]
    first = get(system, "temperatures/", ward="3 East", limit="1")
    second = requests.get(first.links["next"]["url"], timeout=60)
    assert first.json() + second.json() == rows[1:]
    assert "next" not in second.links
    assert get(system, f"temperatures/{rows[2]['id']}/").json() == rows[2]
    assert get(system, f"temperatures/{UUID(int=1)}/").status_code == 404
    refused = get(system, "temperatures/", doctor="Kim")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "doctor")


def exports_them(system: System, recipe: Recipe, rows: list[dict[str, Any]]) -> None:
    """By the page's command, and over HTTP."""
    do(system, recipe, "export")
    written = (system.root / "temperatures.csv").read_text()
    assert [line["id"] for line in csv.DictReader(io.StringIO(written))] == [row["id"] for row in rows[1:]]
    lines = get(system, "temperatures/export/").text.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert get(system, "temperatures/export/", format="csv", ward="3 East").text == written.replace("\n", "\r\n")


def shows_them_to_people(system: System) -> None:
    """In the admin, to somebody who has signed in."""
    system.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    system.manage("createsuperuser", "--noinput", "--username", "root", "--email", "root@clinic.example")
    with requests.Session() as session:
        page = f"{system.url}/admin/wards/temperature/"
        login = session.get(page, timeout=60)
        fields = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        shown = session.post(login.url, data=fields, timeout=60)
    assert shown.url == page
    assert all(text in shown.text for text in ("4 West", "3 East", "5.25"))
    assert "Add temperature" not in shown.text


def verifies_them(system: System, recipe: Recipe, row_id: str) -> None:
    """A log that is whole; then a row that somebody changed; then a whole one again."""
    where = f"WHERE id = '{UUID(row_id).hex}'"
    assert SOUND in do(system, recipe, "verify_log")
    system.sql(f"UPDATE wards_temperature SET celsius = 4.0 {where}")  # noqa: S608
    assert row_id in findings(system)
    system.sql(f"UPDATE wards_temperature SET celsius = 3.75 {where}")  # noqa: S608
    assert findings(system) == ""


def erases_them(system: System, recipe: Recipe, left: list[dict[str, Any]]) -> None:
    """Tombstones verify and add up. A filter of another source is refused, not ignored."""
    other = ["erase", "--source", "wards.temperature", "--doctor", "x", "--ward", "3 East", "--reason", "x", "--yes"]
    assert "--doctor is no filter of wards.temperature" in system.ask(*other).stderr
    assert len(temperatures(system)) == 3
    assert "2 rows were erased" in do(system, recipe, "erase")
    assert temperatures(system) == left
    assert findings(system) == ""
    figures = figures_of(do(system, recipe, "reconcile"))
    assert (figures["erased"], figures["missing"]) == (2, 0)
    assert figures["answered"] == figures["written"] + 2  # the access log's rows are written too


@pytest.fixture(scope="module")
def receiver() -> Any:
    server = ScriptedModel()
    server.script = responds("204 No Content")
    yield server
    server.close()


@pytest.fixture(scope="module")
def counting(
    make_shared_system: MakeSystem, tmp_path_factory: pytest.TempPathFactory, receiver: ScriptedModel
) -> System:
    """A system that has the job kind."""
    system = make_shared_system(
        JOB_LEASE_SECONDS="1.5",
        JOB_HEARTBEAT_SECONDS="0.1",
        JOB_SWEEP_SECONDS="0.3",
        CALLBACK_HOSTS=receiver.url,
        CALLBACK_ALLOW_PRIVATE="1",
        CALLBACK_SECRET=SECRET,
    )
    in_a_copy(system, tmp_path_factory.mktemp("counting"))
    apply(RECIPES["A job kind"], system.root)
    system.start("redis", "web", "worker-jobs", "beat")
    return system


def started(system: System, **body: Any) -> str:
    """The id of a new job."""
    response = post(system, "counts/", **body)
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    assert response.headers["Location"] == f"{system.url}/ml/v1/counts/{job_id}/"
    return job_id


def look(system: System, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = get(system, f"counts/{job_id}/").json()
    return found


def ended(system: System, job_id: str) -> dict[str, Any]:
    until(lambda: look(system, job_id)["finished_at"], what="the end of the job")
    return look(system, job_id)


def counts(system: System, job_id: str) -> dict[str, Any]:
    """The job, once its runner has reported progress."""
    until(lambda: "counted" in look(system, job_id)["progress"]["message"], what="progress")
    return look(system, job_id)


class TestAJobKind:
    def test_it_is_thirty_lines(self) -> None:
        code = sum(map(lines_of_code, RECIPES["A job kind"].files.values()))
        assert 20 <= code <= 30

    def test_it_runs_and_is_watched(self, counting: System) -> None:
        job_id = started(counting, to=20)
        job = counts(counting, job_id)
        assert job["state"] == "running"
        assert re.fullmatch(r"counted to \d+", job["progress"]["message"])
        job = ended(counting, job_id)
        assert (job["state"], job["result"], job["progress"]["percent"]) == ("succeeded", {"counted": 20}, 100)
        assert job_id in [each["id"] for each in get(counting, "counts/", state="succeeded").json()]

    def test_it_is_described(self, counting: System) -> None:
        assert_described(counting, "/ml/v1/counts/{job_id}/cancel/")

    def test_it_refuses_what_is_no_number(self, counting: System) -> None:
        response = post(counting, "counts/", to="many")
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/to")

    def test_it_is_cancelled(self, counting: System) -> None:
        job_id = started(counting, to=100_000)
        counts(counting, job_id)
        assert post(counting, f"counts/{job_id}/cancel/").status_code == 200
        job = ended(counting, job_id)
        assert (job["state"], job["result"]) == ("cancelled", None)

    def test_its_caller_is_called_back(self, counting: System, receiver: ScriptedModel) -> None:
        job_id = started(counting, to=1, callback_url=f"{receiver.url}/done")
        call = until(lambda: receiver.requests, what="a webhook")[0]
        event = verify_signature(call, SECRET)
        assert event["type"] == "job.succeeded"
        assert (event["data"]["id"], event["data"]["result"]) == (job_id, {"counted": 1})

    def test_it_runs_again_when_its_worker_is_killed(self, counting: System) -> None:
        job_id = started(counting, to=30)
        counts(counting, job_id)
        for process in counting.family("worker-jobs"):
            process.kill()
        counting.kill("worker-jobs")
        counting.spawn("worker-jobs")
        assert ended(counting, job_id)["result"] == {"counted": 30}
        attempts = counting.sql(f"SELECT attempt FROM jobs_job WHERE id = '{UUID(job_id).hex}'")  # noqa: S608
        assert attempts == [(2,)]

    def test_lost_messages_come_back_while_other_jobs_wait(self, counting: System) -> None:
        """The worker is killed with messages that it has taken, and Redis is emptied of the others."""
        lost = [started(counting, to=20) for _ in range(9)]
        counts(counting, lost[0])
        for process in counting.family("worker-jobs"):
            process.kill()
        counting.kill("worker-jobs")
        with redis.Redis(port=int(counting.environment["REDIS_PORT"])) as connection:
            connection.flushall()
            counting.spawn("worker-jobs")

            def have_ended() -> bool:
                while connection.llen("jobs") < 5:
                    started(counting, to=3)
                return all(look(counting, job_id)["finished_at"] for job_id in lost)

            until(have_ended, what="the end of the lost jobs")
        assert {look(counting, job_id)["state"] for job_id in lost} == {"succeeded"}


def test_an_error_is_a_problem_of_its_own_type(make_system: MakeSystem, tmp_path: Path) -> None:
    system = in_a_copy(make_system(), tmp_path)
    apply(RECIPES["An error"], system.root)
    system.start("web")
    response = get(system, "history/", since="2999-01-01")
    problem = response.json()
    assert (response.status_code, problem["status"]) == (400, 400)
    assert problem["type"] == "urn:ml-proxy:problem:future-span"
    assert problem["type"] in RECIPES["An error"].text
    assert problem["title"] == "The span of time has not begun"
    assert "in the past" in problem["detail"]
    assert get(system, "history/", since="2026-01-01").json() == []


def test_a_model_task_is_served_behind_the_gateway(make_system: MakeSystem, tmp_path: Path) -> None:
    recipe = RECIPES["A model task"]
    system = in_a_copy(make_system(), tmp_path)
    apply(recipe, system.root)
    run(recipe.commands[0], system.root, {})
    system.start("ml_server", "web")
    until(lambda: get(system, "model-info/").ok, what="the model server")
    for signal, label in (([0, 1, 2, 3], "rising"), ([3000, 1, 1, 3000], "valley")):
        response = system.predict({**BODY, "model": "beats", "signal": signal})
        assert response.status_code == 200, response.text
        assert response.json()["predictions"][0]["label"] == label
    refused = system.predict({**BODY, "model": "beats", "signal": [1]})
    assert refused.status_code == 422
    assert refused.json()["fields"][0]["field"] == "signal"


def test_a_provider_is_one_file_and_a_setting(make_system: MakeSystem, tmp_path: Path) -> None:
    system = in_a_copy(make_system(IMAGE_CLASSIFIER="imaging.services.brightness.Brightness"), tmp_path)
    apply(RECIPES["A provider of desk photos"], system.root)
    system.start("web")
    for colour, is_desk in (("white", True), ("black", False)):
        picture = io.BytesIO()
        Image.new("RGB", (64, 64), colour).save(picture, "PNG")
        answer = requests.post(f"{system.url}/ai/classify/", files={"photo": picture.getvalue()}, timeout=60)
        assert (answer.status_code, answer.json()["classify"]) == (200, is_desk), answer.text
    described = requests.get(f"{system.url}/ai/info/", timeout=60).json()["services"]["desk_classify"]
    assert described["model"] == "brightness"


def test_a_setting_takes_effect_and_refuses_what_it_cannot_use(make_system: MakeSystem, tmp_path: Path) -> None:
    system = in_a_copy(make_system(HISTORY_ROWS="2"), tmp_path)
    apply(RECIPES["A setting"], system.root)
    assert "HISTORY_ROWS=100" in (system.root / ".env.example").read_text().splitlines()
    system.start("ml_server", "web")
    until(lambda: get(system, "model-info/").ok, what="the model server")
    system.manage("seed_demo", "--rows", "3")
    response = get(system, "history/")
    assert len(response.json()) == 2
    assert "next" in response.links
    assert len(get(system, "history/", limit="3").json()) == 3
    run([".venv/bin/pytest", "-q", "-p", "no:cacheprovider", "tests/tools/unit/test_compose.py"], system.root, {})
    system.environment["HISTORY_ROWS"] = "0"
    refused = system.ask("check")
    assert refused.returncode == 1
    assert (
        refused.stderr
        == "ml-proxy: HISTORY_ROWS can't be '0': set it to a whole number from 1 to 1000, in rows of a page\n"
    )
