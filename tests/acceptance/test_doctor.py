"""`manage.py doctor` tries every connection, says what to mend, ends in time, and shows no secret."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.system import System

PARTS = {
    "database", "Redis", "clock", "memory", "journal's disk", "files", "model server", "MLflow", "language model",
    "identity provider",
}  # fmt: skip
SECRET = "s3cret/of#many@"


def parts(output: str) -> dict[str, dict[str, Any]]:
    return {part["part"]: part for part in json.loads(output)["parts"]}


def test_all_is_well(make_system: Callable[..., System], model: ScriptedModel) -> None:
    system = make_system(ml_server_url=model.url)
    system.start("redis")
    done = system.ask("doctor")
    lines = {line[9:28].strip(): line[:8].strip() for line in done.stdout.splitlines()}
    assert set(lines) == PARTS
    has_unsafe_database = "DATABASE_URL" in system.environment  # the tests' PostgreSQL need not survive a crash
    assert done.returncode == int(has_unsafe_database), done.stdout + done.stderr
    if has_unsafe_database:
        assert lines.pop("database") == "wrong"
        assert "may lose what it has confirmed if it crashes (fsync and synchronous_commit off)" in done.stdout
    assert {part for part, verdict in lines.items() if verdict == "not set"} == {
        "MLflow", "language model", "identity provider"
    }  # fmt: skip
    assert set(lines.values()) == {"ok", "not set"}


@pytest.mark.any_database
def test_it_says_of_each_part_what_to_mend(make_system: Callable[..., System], model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"{}", status="401 Unauthorized")
    nobody = free_port()
    system = make_system(
        REDIS_URL=f"redis://user:{SECRET}@127.0.0.1:{nobody}/0",
        ML_SERVER_URL=f"http://user:{SECRET}@{model.url.removeprefix('http://')}",
        MLFLOW_TRACKING_URI=f"http://127.0.0.1:{nobody}",
        MLFLOW_TRACKING_TOKEN="s3cret-of-mlflow",
        LLM_BASE_URL=f"{model.url}/v1",
        LLM_MODEL="a-model",
        LLM_API_KEY="s3cret-of-the-model",
        OIDC_ISSUER=f"http://127.0.0.1:{model.url.rpartition(':')[2]}",
        OIDC_CLIENT_ID="gateway",
        OIDC_CLIENT_SECRET="s3cret-of-oidc",
        JOURNAL_MAX_BYTES=str(2**50),
    )
    system.environment["DATABASE_URL"] = f"postgresql://user:{SECRET}@127.0.0.1:{nobody}/clinic"
    done = system.ask("doctor", "--json")
    assert done.returncode == 1, done.stderr
    found = parts(done.stdout)
    mends = {name: part["mend"] for name, part in found.items() if part["verdict"] == "wrong"}
    assert mends == {
        "database": "Start the database, or correct DATABASE_URL.",
        "Redis": "Start Redis, or correct the host, port or certificate in REDIS_URL.",
        "journal's disk": "Free space, or lower JOURNAL_MAX_BYTES.",
        "model server": "Put its user and password into ML_SERVER_URL.",
        "MLflow": "Start MLflow, or correct MLFLOW_TRACKING_URI.",
        "language model": "Correct LLM_API_KEY.",
        "identity provider": "Correct OIDC_ISSUER.",
    }
    assert "s3cret" not in done.stdout + done.stderr
