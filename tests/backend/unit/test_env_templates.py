"""The templates of `.env`: the one that lists everything, and the one for a server."""

import re
import secrets
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.acceptance.helpers import compose
from tests.support.settings_process import run_with_settings
from tests.support.system import ROOT

SERVER = ROOT / ".env.server.example"
# Python, OpenTelemetry and Celery read these, or Compose sets them; they are not settings of this project.
FOREIGN = {
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "DJANGO_SETTINGS_MODULE",
    "CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND",
}  # fmt: skip
READ = re.compile(
    r"""(?:env|web_names)\.\w+\(\s*"([A-Z0-9_]+)"|^_\w+(?:, _\w+)* = ("[A-Z0-9_]+_[A-Z0-9_]+".*)$""", re.MULTILINE
)


def documented() -> set[str]:
    """The variables of .env.example, including commented ones."""
    text = re.sub(r"^#(?=[A-Z_]+=)", "", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    return set(dotenv_values(stream=StringIO(text)))


def commands() -> str:
    """The commands in the template's comment that write the secrets."""
    block = re.search(r"^#   for name.*?(?=^# Keep)", SERVER.read_text(), re.MULTILINE | re.DOTALL)
    assert block
    return re.sub(r"^#   ", "", block[0], flags=re.MULTILINE)


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    """The variables of a server's `.env`, made as the template says."""
    (tmp_path / ".env").write_text(SERVER.read_text())
    subprocess.run(["sh", "-ec", commands()], cwd=tmp_path, check=True)
    return {name: value or "" for name, value in dotenv_values(tmp_path / ".env").items()}


def test_it_lists_every_variable_that_the_settings_read() -> None:
    found = set()
    for path in (ROOT / "backend" / "settings").glob("*.py"):
        for called, named in READ.findall(path.read_text()):
            found |= {called} if called else set(re.findall(r'"([A-Z0-9_]+)"', named))
    assert len(found) > 80
    assert found - documented() - FOREIGN == set()


def test_it_lists_every_variable_of_compose() -> None:
    assert {found["name"] for found in compose.VARIABLE.finditer(compose.TEXT)} - documented() == set()


def test_the_server_s_template_has_known_variables_only(server: dict[str, str]) -> None:
    assert set(server) - documented() == set()


def test_the_server_s_template_starts_the_gateway(server: dict[str, str], tmp_path: Path) -> None:
    composed = compose.services()["web"]["environment"]
    filled = {name: compose.filled_in(str(text), server) for name, text in composed.items()} | {"METRICS_DIR": ""}
    done = run_with_settings(tmp_path / "state", **filled)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_server_s_template_has_all_that_compose_needs(server: dict[str, str]) -> None:
    compose.filled_in(compose.TEXT, server)
    kept = dotenv_values(SERVER)
    assert [name for name, value in kept.items() if value and re.search("KEY|PASSWORD|TOKEN|SECRET", name)] == []
    assert len({server[name] for name in ("SECRET_KEY", "SEAL_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")}) == 4


def test_a_hard_password_passes_through_the_urls_of_compose(server: dict[str, str], tmp_path: Path) -> None:
    hard = {"POSTGRES_PASSWORD": "p#w/?@%", "REDIS_PASSWORD": f"r#w/?@{secrets.token_hex(4)}"}
    composed = compose.services()["web"]["environment"]
    filled = {name: compose.filled_in(str(text), server | hard) for name, text in composed.items()} | {
        "METRICS_DIR": ""
    }
    code = "from backend import settings as s; print(s.DATABASES['default']['PASSWORD']); print(s.CELERY_BROKER_URL)"
    done = run_with_settings(tmp_path / "state", code, **filled)
    assert done.stdout.splitlines()[0] == hard["POSTGRES_PASSWORD"], done.stderr
    assert done.stdout.splitlines()[1].endswith("@redis:6379/0")
