"""`make up`, from start to stop."""

import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import requests

from tests.acceptance.helpers.processes import Program, bare_environment, running
from tests.support.network import free_port
from tests.support.system import ROOT
from tests.support.wait import until

WORDS = {
    "redis": "redis-server",
    "ml_server": "-m ml_server",
    "web": "-m tools.launch.web",
    "publisher": "manage.py publish",
    "worker-logs": "worker.logs",
    "worker-jobs": "worker.jobs",
    "beat": "worker.beat beat",
    "flower": "flower_app flower",
}
PARTS = tuple(WORDS)
PORTS = ("GATEWAY_PORT", "ML_SERVER_PORT", "FLOWER_PORT", "REDIS_PORT")
# As on a machine with a locale that is not in UTF-8: the Makefile must help.
OLD_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
UP_SECONDS = 120
DOWN_SECONDS = 60


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """A developer's machine with free ports; variables that the developer's `.env` may set are empty."""
    ours = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "ML_SERVER_URL", "API_AUTH", "BIND_HOST"), "")
    ports = {name: str(free_port()) for name in PORTS}
    folders = {"VAR_DIR": str(folder), "METRICS_DIR": str(folder / "metrics")}  # nothing stays in shared memory
    fixed = {"DEBUG": "1", "FETCH_MODELS": "0", **folders}
    return bare_environment(**{**ours, **ports, **OLD_LOCALE, **fixed, **variables})


class Up:
    """A system that `make up` runs."""

    def __init__(self, program: Program, folder: Path, variables: dict[str, str]) -> None:
        self.program = program
        self.folder = folder
        self.variables = variables
        self.gateway, self.model, self.flower = (f"http://127.0.0.1:{variables[port]}" for port in PORTS[:3])

    def predict(self, patient: str) -> requests.Response:
        card = requests.get(f"{self.model}/api/v1/model-info", timeout=60).json()["models"][0]
        body = {**card["example"], "doctor_name": "Dr. Who", "patient_name": patient}
        return requests.post(f"{self.gateway}/ml/v1/predict/", json=body, timeout=60)

    def rows(self, patient: str) -> list[dict[str, object]]:
        answer = requests.get(f"{self.gateway}/ml/v1/history/", params={"patient": patient}, timeout=60)
        rows: list[dict[str, object]] = answer.json()
        return rows

    def tasks(self) -> list[dict[str, object]]:
        """The tasks that Flower knows. It does not know the name of one that had begun before it listened."""
        answer = requests.get(f"{self.flower}/api/tasks", timeout=60)
        return [task for task in answer.json().values() if task["name"]]

    def process(self, name: str) -> psutil.Process:
        """Returns the main process of a command of the Procfile."""
        found = [each for each in self.program.family() if WORDS[name] in " ".join(each.cmdline())]
        return min(found, key=lambda each: each.create_time())


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up") / "진료 기록 #1 (100%)"
    variables = environment(folder)
    with running(["make", "up"], variables) as program:
        program.line("ready ", seconds=UP_SECONDS)
        yield Up(program, folder, variables)


def test_it_says_once_where_everything_is(up: Up) -> None:
    ready = [line for line in up.program.lines if line.startswith("ready")]
    redis = f"redis=redis://127.0.0.1:{up.variables['REDIS_PORT']}/0"
    assert ready == [f"ready {up.gateway} flower={up.flower} ml_server={up.model} {redis}"]


def test_it_ends_with_a_box(up: Up) -> None:
    start = up.program.lines.index(up.program.line("ready ")) + 1
    end = up.program.lines.index(up.program.line("╰")) + 1
    box = up.program.lines[start:end]
    assert (box[0][0], box[-1][0]) == ("╭", "╰")
    rows = [line.strip("│ ") for line in box[1:-1]]
    assert rows[0] == f"ML Proxy is ready at {up.gateway}/"
    assert rows[-2:] == [
        "the log is empty; for synthetic demo data: .venv/bin/python manage.py seed_demo --rows 2000",
        "stop with Ctrl-C",
    ]
    assert [row for row in rows if row.startswith(f"sign in at {up.gateway}/accounts/login/ with one click")]


def test_it_prints_what_it_waits_for_and_what_answers(up: Up) -> None:
    before = up.program.lines[: up.program.lines.index(up.program.line("ready "))]
    assert f"up          | waiting for {', '.join(PARTS)}" in before
    assert {f"readiness   | {part} answers" for part in PARTS} <= set(before)


def test_it_makes_an_admin_who_can_sign_in(up: Up) -> None:
    kept = up.folder / "admin-password"
    password = kept.read_text().strip()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert password not in up.program.text
    line = f"sign in at {up.gateway}/accounts/login/ with one click; to see the password of admin: cat "
    assert line + shlex.quote(str(kept)) in up.program.text
    with requests.Session() as browser:
        form = browser.get(f"{up.gateway}/admin/login/", timeout=60)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[0]
        fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": token}
        answer = browser.post(f"{up.gateway}/admin/login/?next=/admin/", data=fields, timeout=60)
        assert answer.url == f"{up.gateway}/admin/"
        assert "Log out" in answer.text


def test_one_click_signs_in(up: Up) -> None:
    with requests.Session() as browser:
        form = browser.get(f"{up.gateway}/accounts/login/", timeout=60)
        assert "Sign in as admin, without a password" in form.text
        fields = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "next": "/admin/"}
        answer = browser.post(f"{up.gateway}/accounts/login/one-click/", data=fields, timeout=60)
        assert answer.url == f"{up.gateway}/admin/"


def test_it_predicts_logs_and_shows_the_task_in_flower(up: Up) -> None:
    answer = up.predict("The whole path")
    assert answer.status_code == 200
    row = until(lambda: up.rows("The whole path"))[0]
    assert row["id"] == answer.headers["X-Inference-ID"]
    assert row["output_data"] == answer.json()
    tasks = until(up.tasks)
    assert {task["name"] for task in tasks} == {"recording.write_records"}
    assert "The whole path" not in str(tasks)


def test_the_printed_path_answers_a_question(up: Up) -> None:
    """The commands of docs/text-to-sql.md, at another port."""
    page = (ROOT / "docs" / "text-to-sql.md").read_text()
    [script] = re.findall(r'```sh title="first-question.sh"\n(.*?)```', page, re.DOTALL)
    script = script.replace("http://127.0.0.1:8000", up.gateway)
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=ROOT, env=up.variables | {"PYTHONUTF8": "1"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"question":"최근 한 달간의 주문량을 알려줘"' in done.stdout
    [count] = re.findall(r'"data":\[\{"\w+":(\d+)\}\]', done.stdout)
    assert int(count) > 100
    assert "city,customers" in done.stdout
    assert "all in place and unchanged" in done.stdout


def test_flower_is_read_only(up: Up) -> None:
    workers = requests.get(f"{up.flower}/api/workers", params={"refresh": "1"}, timeout=60).json()
    (worker,) = (name for name in workers if name.startswith("logs@"))
    assert requests.post(f"{up.flower}/api/worker/shutdown/{worker}", timeout=60).status_code == 403


def test_it_keeps_a_second_one_away_from_its_files(up: Up) -> None:
    with running(["make", "up"], environment(up.folder)) as second:
        assert second.status() == 2
        line = second.line("VAR_DIR can't be")
        assert line.endswith("another `make up` runs there: stop that one or set another VAR_DIR")


def test_it_names_a_file_that_another_user_left(tmp_path: Path) -> None:
    (tmp_path / "launch.lock").mkdir()  # root may write to every file, but not to a folder
    with running(["make", "up"], environment(tmp_path)) as second:
        assert second.status() == 2
        assert second.line("VAR_DIR can't be used").endswith(
            "to a folder this process may write to, with all files in it"
        )


@pytest.mark.parametrize("name", PORTS)
def test_it_names_the_variable_of_a_port_that_is_taken(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with running(["make", "up"], environment(tmp_path, **{name: port})) as second:
            assert second.status() == 2
            wrong = f"ml-proxy: {name} can't be {port} on 127.0.0.1 (Address already in use)"
            assert second.line(name) == f"{wrong}: free that port or set another {name}"
            assert second.family() == []


@pytest.mark.parametrize("name", PARTS)
def test_it_starts_again_what_was_killed(up: Up, name: str) -> None:
    killed = up.process(name)
    killed.kill()
    up.program.line(f"up          | {name} ended (SIGKILL) and starts again in ")
    until(lambda: up.process(name).pid != killed.pid)
    patient = f"after {name}"
    until(lambda: up.predict(patient).ok)
    until(lambda: up.rows(patient))


def test_it_does_not_start_what_a_url_replaces(up: Up, tmp_path: Path) -> None:
    theirs = {"REDIS_URL": f"redis://user:secret@127.0.0.1:{free_port()}/0", "ML_SERVER_URL": up.model}
    with running(["make", "up"], environment(tmp_path, **theirs)) as program:
        program.line("waiting for web, publisher, worker-logs, worker-jobs, beat, flower", seconds=UP_SECONDS)
        program.send(signal.SIGTERM)
        program.status(seconds=DOWN_SECONDS)
        assert "secret" not in program.text


def test_it_says_nothing_of_probes_and_periodic_tasks(up: Up) -> None:
    noise = re.compile(
        r"Sending due task|Task (?!recording|jobs\.run)\S+ (received|succeeded)|GET /(readyz|healthz|metrics) 200"
    )
    assert [line for line in up.program.lines if noise.search(line)] == []


def test_it_stops_in_order_and_leaves_nothing(up: Up) -> None:
    up.program.send(signal.SIGTERM)
    up.program.status(seconds=DOWN_SECONDS)
    assert up.program.family() == []
    stages = ["stopping web", "stopping publisher", "stopping worker-logs", "stopping ml_server", "stopping redis"]
    positions = [up.program.text.index(stage) for stage in stages]
    assert all(first < second for first, second in pairwise(positions))
    assert "is killed" not in up.program.text


def starting(folder: Path) -> AbstractContextManager[Program]:
    return running(["make", "up"], environment(folder))


@pytest.mark.parametrize("moment", ["preparing the database", "readiness   | redis answers"])
def test_it_leaves_nothing_when_it_is_stopped_while_it_starts(moment: str, tmp_path: Path) -> None:
    with starting(tmp_path) as program:
        program.line(moment, seconds=UP_SECONDS)
        assert program.family()
        program.send_group(signal.SIGINT)
        program.status(seconds=DOWN_SECONDS)
        assert program.family() == []
        assert not [line for line in program.lines if line.startswith("ready") or "Traceback" in line]


def test_ctrl_c_while_modules_load_ends_it_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-v", "-m", "tools.launch"]  # -v prints each import
    with running(command, environment(tmp_path, PYTHONUTF8="1")) as program:
        program.line("import 'django.conf'")
        program.send(signal.SIGINT)
        assert program.status() in {-signal.SIGINT, 128 + signal.SIGINT}
        assert "Traceback" not in program.text


def test_it_stops_in_good_order_when_make_is_killed(tmp_path: Path) -> None:
    with starting(tmp_path) as program:
        program.line("waiting for", seconds=UP_SECONDS)
        assert program.family()
        program.send(signal.SIGKILL)
        until(lambda: not program.family(), seconds=DOWN_SECONDS)
        program.line("stopping redis")


def test_everything_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with starting(tmp_path) as program:
        program.line("waiting for", seconds=UP_SECONDS)
        (supervisor,) = psutil.Process(program.process.pid).children()
        assert len(program.family()) > len(PARTS)
        supervisor.kill()
        until(lambda: not program.family(), seconds=DOWN_SECONDS)


def test_it_says_which_variable_is_wrong(tmp_path: Path) -> None:
    with running(["make", "up"], environment(tmp_path, GATEWAY_THREADS="many")) as program:
        assert program.status() == 2
        assert program.lines[0] == (
            "ml-proxy: GATEWAY_THREADS can't be 'many': set it to a whole number from 1 to 512, "
            "in threads for each process"
        )
