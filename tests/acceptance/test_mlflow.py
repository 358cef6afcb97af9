"""A real MLflow server, without its pages, follows the real processes: started once for all tests of this module."""

import json
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.acceptance.helpers.processes import Program, bare_environment, running
from tests.acceptance.helpers.recording import answered, rows
from tests.support.model import Conversation, ScriptedModel
from tests.support.network import free_port
from tests.support.system import ROOT, System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

RESULT = {"model": {"name": "stub", "version": "8"}, "params": {"C": 1.5}, "metrics": {"accuracy": 0.98}}


class Server:
    """The MLflow server and its contents."""

    def __init__(self, program: Program, url: str) -> None:
        self.program = program
        self.url = url

    def runs(self, kind: str) -> list[dict[str, Any]]:
        """Returns all runs of this kind."""
        experiment = self._call("get", "experiments/get-by-name?experiment_name=ml-proxy")["experiment"]
        found = self._call(
            "post", "runs/search", experiment_ids=[experiment["experiment_id"]], filter=f"tags.kind = '{kind}'"
        )
        return list(found.get("runs", ()))

    def logged(self) -> list[str]:
        """Returns the inference ids in all tables, with duplicates."""
        tables = [
            table
            for run in self.runs("inferences")
            for file in self._call("get", f"artifacts/list?run_id={run['info']['run_id']}&path=inferences")["files"]
            for table in [json.loads(self.file(run, file["path"]))]
        ]
        return sorted(row[table["columns"].index("inference_id")] for table in tables for row in table["data"])

    def file(self, run: dict[str, Any], name: str) -> bytes:
        """Returns one file of a run."""
        path = f"{run['info']['artifact_uri'].removeprefix('mlflow-artifacts:/').lstrip('/')}/{name}"
        response = requests.get(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{path}", timeout=60)
        response.raise_for_status()
        return response.content

    def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = requests.request(method, f"{self.url}/api/2.0/mlflow/{path}", json=body or None, timeout=60)
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/files"]
    listen = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--gunicorn-opts", "--timeout 120"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "HOME": str(folder)}
    command = [str(Path(sys.executable).with_name("mlflow")), "server", *listen, *store, "--serve-artifacts"]
    with running(command, {**bare_environment(), **quiet}, cwd=folder) as program:
        url = f"http://127.0.0.1:{port}"
        until(lambda: requests.get(f"{url}/health", timeout=2).ok, seconds=120, what="MLflow")
        yield Server(program, url)


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System], shared_model: ScriptedModel, server: Server) -> System:
    made = make_shared_system(
        MLFLOW_TRACKING_URI=server.url,
        MLFLOW_TOTAL_SECONDS="2",
        JOB_SWEEP_SECONDS="0.2",
        ML_SERVER_URL=shared_model.url,
    )
    made.start("redis", "web", "publisher", "worker-logs", "worker-jobs", "beat")
    return made


def metrics(run: dict[str, Any]) -> dict[str, float]:
    return {pair["key"]: pair["value"] for pair in run["data"]["metrics"]}


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in run["data"]["tags"]}


def wait_until_it_has(system: System, ids: set[str]) -> None:
    """Waits until the rows exist and the outbox is empty."""
    until(lambda: ids <= set(rows(system)), what="the rows")
    until(lambda: system.sql("SELECT count(*) FROM mlflow_mlflowoutbox") == [(0,)], what="nothing waiting")


def test_it_gets_every_inference_once_although_it_hangs_meanwhile(system: System, server: Server) -> None:
    ids = answered(system, 20)
    wait_until_it_has(system, ids)
    assert server.logged() == sorted(ids)
    family = server.program.family()
    for process in family:
        process.suspend()
    ids |= answered(system, 20)
    until(lambda: "sending to MLflow pauses for" in system.log_of("worker-jobs"))
    ids |= answered(system, 1)  # the gateway is not affected
    for process in reversed(family):
        process.resume()
    system.sql("UPDATE mlflow_mlflowcursor SET due_at = NULL")  # makes the next attempt due now
    wait_until_it_has(system, ids)
    assert server.logged() == sorted(ids)
    for run in server.runs("inferences"):
        assert {"latency_ms_mean", "confidence_mean", "inferences"} <= set(metrics(run))
        assert (tags(run)["model_name"], tags(run)["model_version"]) == ("stub", "7")


def test_it_gets_a_requested_inference_and_shows_it(system: System, server: Server) -> None:
    picture = (ROOT / "docs" / "examples" / "digit.png").read_bytes()
    body = {"doctor_name": "D", "patient_name": "P", "image": b64encode(picture).decode()}
    inference_id = system.predict(body).headers["X-Inference-ID"]
    url = f"{system.url}/ml/v1/mlflow/log-prediction/"

    def logged() -> dict[str, Any]:
        response = requests.post(url, json={"inference_id": inference_id}, timeout=60)
        return dict(response.json()) if response.status_code == 200 else {}

    first = until(logged, what="the run")
    assert logged() == first
    [run] = [run for run in server.runs("inference") if tags(run)["inference_id"] == inference_id]
    assert first["run_id"] == run["info"]["run_id"]
    shown = requests.get(f"{system.url}/ml/v1/mlflow/runs/{first['run_id']}/", timeout=60).json()
    assert (shown["status"], shown["params"]["prediction"]) == ("FINISHED", "benign")
    assert (shown["metrics"]["confidence"], shown["tags"]) == (0.93, tags(run))
    assert "doctor_name" not in json.loads(server.file(run, "input.json"))
    assert json.loads(server.file(run, "output.json"))["model"]["name"] == "stub"
    assert server.file(run, "input.png") == picture
    assert requests.get(f"{system.url}/ml/v1/mlflow/runs/{'0' * 32}/", timeout=60).status_code == 404


def test_it_gets_a_retrain(system: System, server: Server, shared_model: ScriptedModel) -> None:
    shared_model.script = lambda conversation: Conversation.answer(conversation, json.dumps(RESULT).encode())
    job = requests.post(f"{system.url}/ml/v1/retrain/jobs/", json={"params": {"C": 1.5}}, timeout=60).json()
    [run] = until(lambda: [run for run in server.runs("retrain") if run["info"]["status"] == "FINISHED"])
    assert (tags(run)["job_id"], tags(run)["model_version"]) == (job["id"], "8")
    assert metrics(run)["accuracy"] == 0.98
    assert run["data"]["params"] == [{"key": "C", "value": "1.5"}]
    assert json.loads(server.file(run, "result.json")) == RESULT


def test_it_leaves_nothing_waiting(system: System, server: Server) -> None:
    wait_until_it_has(system, set())
    text = requests.get(f"{system.url}/metrics", timeout=60).text
    assert 'ml_proxy_mlflow_waiting{state="waiting"} 0.0' in text
    assert server.program.process.poll() is None
