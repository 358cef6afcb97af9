"""The part of MLflow that the gateway uses, on a scripted server, which can fail at any call."""

import json
from collections.abc import Callable  # noqa: TC003 - as elsewhere in this package
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_django import Settings

from integrations.mlflow import runs
from tests.support.model import Conversation, Script, ScriptedModel

API, ARTIFACTS = "/api/2.0/mlflow/", "/api/2.0/mlflow-artifacts/artifacts/"
JSON = b"Content-Type: application/json\r\n"


class MLflow:
    """Accepts all calls. `instead` returns another script for a path, or None."""

    def __init__(self, server: ScriptedModel, settings: Settings) -> None:
        self.runs: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.instead: Callable[[str], Script | None] = lambda _: None
        self._has_experiment = False
        server.script = self._answer
        settings.MLFLOW_TRACKING_URI = server.url
        settings.MLFLOW_TOTAL_SECONDS = 5
        runs.forget_runs()

    def breaks(self, script: Script | None) -> None:
        """Uses this script for every call; None restores the normal behaviour."""
        self.instead = lambda _: script

    def loses_answer(self, number: int) -> None:
        """Executes call `number` from now on, but closes the connection instead of responding."""
        at = len(self.calls) + number

        def script(conversation: Conversation) -> None:
            self._execute(conversation)
            conversation.sock.close()

        self.instead = lambda _: script if len(self.calls) == at + 1 else None

    def delete_runs(self) -> None:
        """Deletes all runs, as a user may in MLflow's pages."""
        for run in self.runs:
            run["is_deleted"] = True

    def tables(self) -> list[dict[str, Any]]:
        """The rows of all inference tables as dictionaries."""
        found = [json.loads(data) for name, data in self.files.items() if "/inferences/" in name]
        return [dict(zip(table["columns"], row, strict=True)) for table in found for row in table["data"]]

    def _answer(self, conversation: Conversation) -> None:
        path = conversation.line.split()[1]
        self.calls.append(path)
        if script := self.instead(path):
            script(conversation)
            return
        status, body = self._execute(conversation)
        conversation.answer(json.dumps(body).encode(), status=status, head=JSON)

    def _execute(self, conversation: Conversation) -> tuple[str, dict[str, Any]]:
        parts = urlsplit(conversation.line.split()[1])
        if parts.path.startswith(ARTIFACTS):
            self.files[parts.path.removeprefix(ARTIFACTS)] = conversation.body
            return "200 OK", {}
        request = {name: values[0] for name, values in parse_qs(parts.query).items()} or json.loads(conversation.body)
        do = getattr(self, "_" + parts.path.removeprefix(API).replace("/", "_").replace("-", "_"))
        found = do(request)
        return ("404 Not Found", {"error_code": "RESOURCE_DOES_NOT_EXIST"}) if found is None else ("200 OK", found)

    def _experiments_get_by_name(self, request: dict[str, Any]) -> dict[str, Any] | None:
        return {"experiment": {"experiment_id": "7"}} if self._has_experiment else None

    def _experiments_create(self, request: dict[str, Any]) -> dict[str, Any]:
        assert not self._has_experiment
        self._has_experiment = True
        return {"experiment_id": "7"}

    def _runs_search(self, request: dict[str, Any]) -> dict[str, Any]:
        value = request["filter"].split("'")[1]
        alive = [run for run in self.runs if not run["is_deleted"]]
        return {"runs": [run for run in alive if value in {tag["value"] for tag in run["data"]["tags"]}]}

    def _runs_create(self, request: dict[str, Any]) -> dict[str, Any]:
        run_id = f"run{len(self.runs)}"
        info = {"run_id": run_id, "status": "RUNNING", "artifact_uri": f"mlflow-artifacts:/7/{run_id}/artifacts"}
        info |= {name: request[name] for name in ("run_name", "start_time")}
        self.runs.append(
            {"info": info, "data": {"tags": request["tags"], "params": [], "metrics": []}, "is_deleted": False}
        )
        return {"run": self.runs[-1]}

    def _runs_get(self, request: dict[str, Any]) -> dict[str, Any] | None:
        found = self._run(request)
        return {"run": found} if found else None

    def _runs_log_batch(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if not (run := self._run(request)):
            return None
        for kind in ("metrics", "params"):  # repeated metrics and parameters are ignored
            run["data"][kind] += [pair for pair in request[kind] if pair not in run["data"][kind]]
        return {}

    def _runs_update(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if not (run := self._run(request)):
            return None
        run["info"] |= {name: request[name] for name in ("status", "end_time")}
        return {}

    def _run(self, request: dict[str, Any]) -> dict[str, Any] | None:
        alive = [run for run in self.runs if not run["is_deleted"]]
        return next((run for run in alive if run["info"]["run_id"] == request["run_id"]), None)


def run_values(run: dict[str, Any], kind: str) -> dict[str, Any]:
    """The tags, parameters or last metrics of a run."""
    return {pair["key"]: pair["value"] for pair in run["data"][kind]}


def logged_ids(mlflow: MLflow) -> list[str]:
    """The inference ids in all tables, with duplicates."""
    return sorted(row["inference_id"] for row in mlflow.tables())
