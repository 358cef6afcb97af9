"""As much of MLflow as the gateway asks for, on a scripted server, so that it can break off wherever a test says."""

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
    """Takes everything. `instead` gives a script for a call that shall go another way, by its path; else None."""

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
        """Every call goes this way; as it should, with None."""
        self.instead = lambda _: script

    def loses_answer(self, number: int) -> None:
        """Does what call `number` from now on asks for, and closes the connection in place of an answer."""
        at = len(self.calls) + number

        def script(conversation: Conversation) -> None:
            self._done(conversation)
            conversation.sock.close()

        self.instead = lambda _: script if len(self.calls) == at + 1 else None

    def delete_runs(self) -> None:
        """As a person may in MLflow's pages."""
        for run in self.runs:
            run["is_deleted"] = True

    def tables(self) -> list[dict[str, Any]]:
        """The rows of all tables of inferences, a dictionary each."""
        found = [json.loads(data) for name, data in self.files.items() if "/inferences/" in name]
        return [dict(zip(table["columns"], row, strict=True)) for table in found for row in table["data"]]

    def _answer(self, conversation: Conversation) -> None:
        path = conversation.line.split()[1]
        self.calls.append(path)
        if script := self.instead(path):
            script(conversation)
            return
        status, body = self._done(conversation)
        conversation.answer(json.dumps(body).encode(), status=status, head=JSON)

    def _done(self, conversation: Conversation) -> tuple[str, dict[str, Any]]:
        parts = urlsplit(conversation.line.split()[1])
        if parts.path.startswith(ARTIFACTS):
            self.files[parts.path.removeprefix(ARTIFACTS)] = conversation.body
            return "200 OK", {}
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()} or json.loads(conversation.body)
        do = getattr(self, "_" + parts.path.removeprefix(API).replace("/", "_").replace("-", "_"))
        found = do(asked)
        return ("404 Not Found", {"error_code": "RESOURCE_DOES_NOT_EXIST"}) if found is None else ("200 OK", found)

    def _experiments_get_by_name(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        return {"experiment": {"experiment_id": "7"}} if self._has_experiment else None

    def _experiments_create(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert not self._has_experiment
        self._has_experiment = True
        return {"experiment_id": "7"}

    def _runs_search(self, asked: dict[str, Any]) -> dict[str, Any]:
        value = asked["filter"].split("'")[1]
        alive = [run for run in self.runs if not run["is_deleted"]]
        return {"runs": [run for run in alive if value in {tag["value"] for tag in run["data"]["tags"]}]}

    def _runs_create(self, asked: dict[str, Any]) -> dict[str, Any]:
        run_id = f"run{len(self.runs)}"
        info = {"run_id": run_id, "status": "RUNNING", "artifact_uri": f"mlflow-artifacts:/7/{run_id}/artifacts"}
        info |= {name: asked[name] for name in ("run_name", "start_time")}
        self.runs.append(
            {"info": info, "data": {"tags": asked["tags"], "params": [], "metrics": []}, "is_deleted": False}
        )
        return {"run": self.runs[-1]}

    def _runs_get(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        found = self._run(asked)
        return {"run": found} if found else None

    def _runs_log_batch(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        if not (run := self._run(asked)):
            return None
        for kind in ("metrics", "params"):  # the same point or parameter again is none more
            run["data"][kind] += [pair for pair in asked[kind] if pair not in run["data"][kind]]
        return {}

    def _runs_update(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        if not (run := self._run(asked)):
            return None
        run["info"] |= {name: asked[name] for name in ("status", "end_time")}
        return {}

    def _run(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        alive = [run for run in self.runs if not run["is_deleted"]]
        return next((run for run in alive if run["info"]["run_id"] == asked["run_id"]), None)


def told(run: dict[str, Any], kind: str) -> dict[str, Any]:
    """A run's tags, parameters or last metrics."""
    return {pair["key"]: pair["value"] for pair in run["data"][kind]}


def logged_ids(mlflow: MLflow) -> list[str]:
    """The inferences in all tables, as often as they are there."""
    return sorted(row["inference_id"] for row in mlflow.tables())
