"""Logs entries to MLflow runs. Logging is idempotent: an interrupted call can be repeated from the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from integrations.mlflow import client
from integrations.mlflow.entries import Entry
from integrations.mlflow.exceptions import MlflowError, MlflowRefused

KEY = "ml_proxy_key"
COMPLETE = frozenset({"FINISHED", "FAILED", "KILLED"})
MAX_KNOWN = 256


@dataclass(frozen=True)
class Run:
    """A run in MLflow."""

    id: str
    status: str
    artifact_uri: str

    @property
    def is_complete(self) -> bool:
        """Whether everything was logged."""
        return self.status in COMPLETE


def log(entry: Entry, run: Run) -> None:
    """Logs a whole entry; a repeat overwrites it with the same data. Raises `MlflowError`."""
    for name, data in entry.files.items():
        client.put_artifact(run.artifact_uri, name, data)
    at = _milliseconds(entry.ended_at)
    points = [{"key": key, "value": value, "timestamp": at, "step": entry.step} for key, value in entry.metrics.items()]
    client.post("runs/log-batch", run_id=run.id, metrics=points, params=_pairs(entry.params))
    client.post("runs/update", run_id=run.id, status=entry.status, end_time=at)


def find(key: str) -> Run | None:
    """The run with this key, if it exists and is not deleted. Raises `MlflowError`."""
    runs = client.post(
        "runs/search", experiment_ids=[_experiment()], filter=f"tags.{KEY} = '{key}'", max_results=1
    ).get("runs")
    return _run(runs[0]) if runs else None


def run_for(entry: Entry) -> Run:
    """The entry's run; created if it does not exist. Raises `MlflowError`.

    A refusal here would affect every entry, so it does not raise `MlflowRefused`.
    """
    try:
        return find(entry.key) or _create(entry)
    except MlflowRefused as exc:
        raise MlflowError(f"MLflow can't create a run in the experiment ({exc.code}).") from exc


def known_run_for(entry: Entry) -> Run:
    """Like `run_for`, but cached: many entries belong to one run."""
    key = settings.MLFLOW_TRACKING_URI, settings.MLFLOW_EXPERIMENT_NAME, entry.key
    if key not in _known:
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[key] = run_for(entry)
    return _known[key]


def forget_runs() -> None:
    """Clears the cache, because a cached run may have been deleted."""
    _known.clear()


def described(run_id: str) -> dict[str, Any] | None:
    """A run that this gateway logged, as MLflow returns it; None if there is none. Raises `MlflowError`."""
    try:
        run = client.get("runs/get", run_id=run_id)["run"]
        info, data = run["info"], run["data"]
        tags, params, metrics = (_dict(data.get(kind, ())) for kind in ("tags", "params", "metrics"))
        members = {name: info.get(name) for name in ("run_id", "run_name", "status", "start_time", "end_time")}
    except MlflowRefused as exc:
        if exc.code == client.NOT_FOUND:
            return None
        raise
    except (LookupError, TypeError, AttributeError):
        raise MlflowError("MLflow's answer is not a run.") from None
    if KEY not in tags:
        return None
    return {**members, "artifact_uri": info.get("artifact_uri"), "params": params, "metrics": metrics, "tags": tags}


def _create(entry: Entry) -> Run:
    tags = {**entry.tags, KEY: entry.key, "mlflow.source.name": "ml-proxy"}
    started = _milliseconds(entry.started_at)
    return _run(
        client.post(
            "runs/create",
            experiment_id=_experiment(),
            run_name=entry.name,
            start_time=started,
            tags=_pairs({name: value for name, value in tags.items() if value}),
        ).get("run")
    )


def _experiment() -> str:
    name = settings.MLFLOW_EXPERIMENT_NAME
    try:
        response: Any = client.get("experiments/get-by-name", experiment_name=name).get("experiment")
    except MlflowRefused as exc:
        if exc.code != client.NOT_FOUND:
            raise
        response = client.post("experiments/create", name=name)
    try:
        return str(response["experiment_id"])
    except (LookupError, TypeError):
        raise MlflowError("MLflow's answer is not an experiment.") from None


def _run(data: Any) -> Run:
    try:
        info = data["info"]
        return Run(str(info["run_id"]), str(info["status"]), str(info["artifact_uri"]))
    except (LookupError, TypeError):
        raise MlflowError("MLflow's answer is not a run.") from None


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _dict(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in pairs}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


_known: dict[tuple[str, str, str], Run] = {}
