"""Each command of the Procfile and of docker-compose.yml, started as it is: without a shell or additional variables.

On SQLite like on a developer's machine, with `DEBUG` only; on PostgreSQL with the environment of the compose file.
"""

import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.acceptance.helpers import compose
from tests.acceptance.helpers.processes import running
from tests.support.network import free_port
from tests.support.system import ROOT, procfile
from tests.support.wait import until

PORTS = ("GATEWAY_PORT", "ML_SERVER_PORT", "FLOWER_PORT", "REDIS_PORT")
SECRETS = {
    "SECRET_KEY": "s" * 32,
    "SEAL_KEY": "k" * 32,
    "ML_SERVER_TOKEN": "t" * 32,
    "FLOWER_BASIC_AUTH": "eyes:only",
}


class Parts:
    """Every process of the Procfile, each with its own environment."""

    def __init__(self, environments: Mapping[str, Mapping[str, str]], stack: ExitStack) -> None:
        self.environments = environments
        self.account = (f"clinic-{uuid.uuid4()}", "a long enough password")
        self.once("migrate", ".venv/bin/python manage.py migrate --noinput")
        account = {"DJANGO_SUPERUSER_USERNAME": self.account[0], "DJANGO_SUPERUSER_PASSWORD": self.account[1]}
        command = ".venv/bin/python manage.py createsuperuser --noinput --email clinic@example.org"
        self.once("web", command, **account)
        self.programs = {
            name: stack.enter_context(running(command, environments[name])) for name, command in procfile().items()
        }

    def once(self, name: str, command: str, **variables: str) -> None:
        """Runs a command until it ends, with the environment of a part."""
        subprocess.run(shlex.split(command), cwd=ROOT, env={**self.environments[name], **variables}, check=True)

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.environments['web'][port]}"

    def answer(self, name: str) -> str:
        """Returns the output of the probe of a part."""
        command = [sys.executable, "-m", "tools.launch.probe", "--seconds", "60", name]
        done = subprocess.run(command, cwd=ROOT, env=self.environments["web"], capture_output=True, check=False)
        return (done.stdout + done.stderr).decode().strip()


def own_machine(folder: Path, _database_url: str) -> dict[str, dict[str, str]]:
    """Returns `DEBUG`, free ports and a new folder."""
    environment = {"DEBUG": "1", "VAR_DIR": str(folder), **{name: str(free_port()) for name in PORTS}}
    return dict.fromkeys([*procfile(), "migrate"], environment)


def composed(folder: Path, database_url: str) -> dict[str, dict[str, str]]:
    """Returns the environments of the compose file, except addresses and folders, which Compose provides."""
    variables = {**SECRETS, "ALLOWED_HOSTS": "127.0.0.1", "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}
    ports = {name: str(free_port()) for name in PORTS}
    places = {"BIND_HOST": "127.0.0.1", "VAR_DIR": str(folder), "WORKER_METRICS_PORT": "0", **ports}
    urls = {"REDIS_URL": f"redis://127.0.0.1:{ports['REDIS_PORT']}/0", "DATABASE_URL": database_url}
    urls["ML_SERVER_URL"] = f"http://127.0.0.1:{ports['ML_SERVER_PORT']}"
    declared = {name: parts.get("environment", {}) for name, parts in compose.services().items() if "build" in parts}
    filled = {
        name: {key: compose.filled_in(text, variables) for key, text in of.items()} for name, of in declared.items()
    }
    return {name: {**of, **places, **urls} for name, of in {**filled, "redis": filled["web"]}.items()}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Parts]:
    environments = composed if database_url else own_machine
    with ExitStack() as stack:
        yield Parts(environments(tmp_path_factory.mktemp("parts"), database_url), stack)


@pytest.mark.parametrize("name", procfile())
def test_it_answers(parts: Parts, name: str) -> None:
    assert parts.answer(name) == f"{name} answers", parts.programs[name].text


def test_a_prediction_passes_through_all_parts(parts: Parts) -> None:
    model = requests.get(f"{parts.url('ML_SERVER_PORT')}/api/v1/model-info", timeout=60).json()["models"][0]
    body = {**model["example"], "doctor_name": "Dr. Who", "patient_name": parts.account[0]}
    predict, history = (f"{parts.url('GATEWAY_PORT')}/ml/v1/{path}/" for path in ("predict", "history"))
    answer = requests.post(predict, json=body, auth=parts.account, timeout=60)
    assert answer.status_code == 200, answer.text
    query = {"patient": parts.account[0]}
    rows = until(lambda: requests.get(history, params=query, auth=parts.account, timeout=10).json())
    assert [row["id"] for row in rows] == [answer.headers["X-Inference-ID"]]


def test_compose_requires_a_password(parts: Parts) -> None:
    status = 401 if parts.environments["web"].get("API_AUTH") == "required" else 200
    assert requests.get(f"{parts.url('GATEWAY_PORT')}/ml/v1/history/", timeout=60).status_code == status
    assert requests.get(f"{parts.url('FLOWER_PORT')}/api/tasks", timeout=60).status_code == status


@pytest.mark.parametrize("name", [*reversed(procfile())])
def test_it_leaves_nothing_when_it_is_killed(parts: Parts, name: str) -> None:
    program = parts.programs[name]
    assert program.family()
    program.send(signal.SIGKILL)
    program.status()
    until(lambda: not program.family(), what=f"the end of what {name} started")
