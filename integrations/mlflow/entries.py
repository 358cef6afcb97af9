"""Maps inferences and jobs to MLflow runs, without the names of doctors and patients.

All inferences of one model, version and day share a run: each batch adds one point to its metrics and one table to its
files. A requested inference and a retrain each get a run of their own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from statistics import fmean
from typing import Any, Protocol
from uuid import UUID, uuid5

import orjson

from common import strict_json
from integrations.mlflow.images import image_in
from jobs.models import Job

NAMES = ("doctor_name", "patient_name")
MAX_CHARACTERS = 250  # of a tag, a parameter or a label: every version of MLflow accepts as many
MAX_VALUES = 100  # of one kind in one call
COLUMNS = ("inference_id", "predicted_at", "latency_ms", "prediction", "confidence", "confidences", "input", "output")
STATUSES = {Job.State.SUCCEEDED: "FINISHED", Job.State.FAILED: "FAILED", Job.State.CANCELLED: "KILLED"}

_NAMESPACE = UUID("7f0d7c52-5a0e-5d0c-9a2e-0b1f6f3c7a14")
_NOT_ALLOWED = re.compile(r"[^\w -]")


class Inference(Protocol):
    """The columns that are logged; rows of every source with `is_model_call` have them."""

    id: UUID
    predicted_at: datetime
    latency_ms: float
    model_name: str
    model_version: str
    request_id: str
    input_data: str
    output_data: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The data that is logged to one run. `key` identifies the run, so that a repeat does not create a second one."""

    key: str
    name: str
    started_at: datetime
    ended_at: datetime
    status: str = "FINISHED"
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)


def key_of(*parts: str) -> str:
    """A key that is determined by the parts, and unique to them."""
    return uuid5(_NAMESPACE, "\n".join(parts)).hex


def key_of_inference(inference_id: UUID) -> str:
    """The key of an inference's own run."""
    return key_of("inference", inference_id.hex)


def of_inference(row: Inference) -> Entry:
    """An entry for one inference in a run of its own."""
    predictions = _predictions(row.output_data)
    confidences = {_safe_name(f"confidence_{label}"): confidence for label, confidence in predictions[:MAX_VALUES]}
    best = {"confidence": predictions[0][1]} if predictions else {}
    return Entry(
        key=key_of_inference(row.id),
        name=f"inference {row.id}",
        started_at=row.predicted_at - timedelta(milliseconds=row.latency_ms),
        ended_at=row.predicted_at,
        tags={
            "kind": "inference",
            "inference_id": str(row.id),
            "request_id": _safe_text(row.request_id),
            **_model(row),
        },
        params={**_model(row), **({"prediction": predictions[0][0]} if predictions else {})},
        metrics={"latency_ms": row.latency_ms, **best, **confidences},
        files={
            "input.json": without_names(row.input_data).encode(),
            "output.json": without_names(row.output_data).encode(),
            **({f"input.{image[0]}": image[1]} if (image := image_in(row.input_data)) else {}),
        },
    )


def of_inferences(rows: Iterable[Inference], batch: UUID, step: int) -> list[Entry]:
    """Entries for a batch of inferences: one for each run that they belong to."""
    groups: dict[tuple[str, str, str], list[Inference]] = {}
    for row in rows:
        group = row.model_name, row.model_version, f"{row.predicted_at.astimezone(UTC):%Y-%m-%d}"
        groups.setdefault(group, []).append(row)
    return [_of_day(group, found, batch, step) for group, found in groups.items()]


def of_job(job: Job) -> Entry:
    """An entry for an ended retrain."""
    request, result = strict_json.parse(job.params), strict_json.parse(job.result or "null")
    model = strict_json.member(result, "model")
    trained = {f"model_{part}": strict_json.member(model, part) for part in ("name", "version")}
    params = strict_json.member(result, "params") or strict_json.member(request, "params")
    ended_at = job.finished_at or datetime.now(UTC)
    started_at = job.started_at or job.created_at
    return Entry(
        key=key_of("job", job.id.hex),
        name=f"{job.kind} {job.id}",
        started_at=started_at,
        ended_at=ended_at,
        status=STATUSES[Job.State(job.state)],
        tags={"kind": job.kind, "job_id": str(job.id), "state": job.state, "error": job.error or "", **_texts(trained)},
        params=_texts(_members(params)),
        metrics={
            "duration_seconds": (ended_at - started_at).total_seconds(),
            **_numbers(_members(strict_json.member(result, "metrics"))),
        },
        files={"order.json": job.params.encode(), "result.json": _without_feedback(job.result or "null").encode()},
    )


def _without_feedback(result: str) -> str:
    """A retrain's result without the inferences that it learned from: an erasure does not reach MLflow."""
    has_some = strict_json.member(strict_json.parse(result), "feedback") is not None
    return strict_json.without(result, "feedback") if has_some else result


def without_names(text: str) -> str:
    """A JSON text without the members of the outermost object that hold a doctor's or a patient's name."""
    return strict_json.without(text, *NAMES) if text.lstrip().startswith("{") else text


def _of_day(group: tuple[str, str, str], rows: list[Inference], batch: UUID, step: int) -> Entry:
    name, version, day = group
    labels = {"model_name": name, "model_version": version, "day": day}
    table = {"columns": COLUMNS, "data": [_cells(row) for row in rows]}
    confidences = [found[0][1] for row in rows if (found := _predictions(row.output_data))]
    latencies = [row.latency_ms for row in rows]
    confidence_metrics = (
        {"confidence_mean": fmean(confidences), "confidence_min": min(confidences)} if confidences else {}
    )
    return Entry(
        key=key_of("inferences", *group),
        name=_safe_text(" ".join(filter(None, ("inferences", day, name, version)))),
        started_at=datetime.fromisoformat(f"{day}T00:00:00Z"),
        ended_at=max(row.predicted_at for row in rows),
        tags={"kind": "inferences", **_texts(labels)},
        params=_texts(labels),
        metrics={
            "inferences": len(rows),
            "latency_ms_mean": fmean(latencies),
            "latency_ms_max": max(latencies),
            **confidence_metrics,
        },
        step=step,
        files={f"inferences/{batch}.json": orjson.dumps(table, option=orjson.OPT_UTC_Z)},
    )


def _cells(row: Inference) -> list[Any]:
    """One row of the table. Input and output stay JSON texts, so that their numbers keep their spelling."""
    predictions = _predictions(row.output_data)
    best = predictions[0] if predictions else (None, None)
    texts = without_names(row.input_data), without_names(row.output_data)
    return [row.id, row.predicted_at, row.latency_ms, *best, dict(predictions), *texts]


def _predictions(output: str) -> list[tuple[str, float]]:
    """Labels and confidences of an answer, most confident first; empty unless it has the reference server's shape."""
    found = strict_json.parse_fast(output.encode())
    items = found.get("predictions") if isinstance(found, dict) else None
    pairs = [_pair(item) for item in items] if isinstance(items, list) else []
    return sorted(filter(None, pairs), key=lambda pair: -pair[1])


def _pair(item: Any) -> tuple[str, float] | None:
    confidence: Any = item.get("confidence") if isinstance(item, dict) else None
    return (_safe_text(str(item.get("label"))), float(confidence)) if type(confidence) in {int, float} else None


def _model(row: Inference) -> dict[str, str]:
    return _texts({"model_name": row.model_name, "model_version": row.model_version})


def _members(value: strict_json.Value) -> dict[str, strict_json.Value]:
    return dict(value[:MAX_VALUES]) if strict_json.is_object(value) else {}


def _texts(values: Mapping[str, strict_json.Value]) -> dict[str, str]:
    """The values that are texts or numbers; numbers keep their spelling."""
    texts = {_safe_name(name): _safe_text(value) for name, value in values.items() if isinstance(value, str)}
    return {name: text for name, text in texts.items() if text}


def _numbers(values: Mapping[str, strict_json.Value]) -> dict[str, float]:
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, strict_json.Number)}
    return {_safe_name(name): number for name, number in numbers.items() if isfinite(number)}


def _safe_text(text: str) -> str:
    """A value that every database of MLflow accepts: one line, without NUL or lone surrogates."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_CHARACTERS])


def _safe_name(text: str) -> str:
    """A name that MLflow accepts."""
    return _NOT_ALLOWED.sub("_", text)[:MAX_CHARACTERS] or "_"
