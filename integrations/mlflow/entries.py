"""Runs as MLflow shall have them, made of inferences and jobs. In none of them is a doctor's or a patient's name.

Inferences share a run with all others of their model, version and day: each message of them becomes one point of its
curves and one table among its files. One that somebody asks for, and a retrain, is a run of its own.
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
from integrations.mlflow.images import picture_of
from jobs.models import Job

NAMES = ("doctor_name", "patient_name")
MOST_CHARACTERS = 250  # of a tag, a parameter or a label: every MLflow takes as many
MOST_VALUES = 100  # of one kind, in one call
COLUMNS = ("inference_id", "predicted_at", "latency_ms", "prediction", "confidence", "confidences", "input", "output")
STATUSES = {Job.State.SUCCEEDED: "FINISHED", Job.State.FAILED: "FAILED", Job.State.CANCELLED: "KILLED"}

_OURS = UUID("7f0d7c52-5a0e-5d0c-9a2e-0b1f6f3c7a14")
_ODD = re.compile(r"[^\w -]")


class Inference(Protocol):
    """What is logged of a row of any source whose rows are model calls."""

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
    """What is logged to one run. `key` finds that run again, so that the same thing never makes a second."""

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


def key_of(*what: str) -> str:
    """The same for the same words, and for no others."""
    return uuid5(_OURS, "\n".join(what)).hex


def key_of_inference(inference_id: UUID) -> str:
    """Of its own run."""
    return key_of("inference", inference_id.hex)


def of_inference(row: Inference) -> Entry:
    """One inference in a run of its own."""
    said = _said(row.output_data)
    confidences = {_word(f"confidence_{label}"): confidence for label, confidence in said[:MOST_VALUES]}
    best = {"confidence": said[0][1]} if said else {}
    return Entry(
        key=key_of_inference(row.id),
        name=f"inference {row.id}",
        started_at=row.predicted_at - timedelta(milliseconds=row.latency_ms),
        ended_at=row.predicted_at,
        tags={"kind": "inference", "inference_id": str(row.id), "request_id": _line(row.request_id), **_model(row)},
        params={**_model(row), **({"prediction": said[0][0]} if said else {})},
        metrics={"latency_ms": row.latency_ms, **best, **confidences},
        files={
            "input.json": nameless(row.input_data).encode(),
            "output.json": nameless(row.output_data).encode(),
            **({f"input.{picture[0]}": picture[1]} if (picture := picture_of(row.input_data)) else {}),
        },
    )


def of_inferences(rows: Iterable[Inference], batch: UUID, step: int) -> list[Entry]:
    """Many inferences, sent as one batch: an entry for each run that they belong to."""
    groups: dict[tuple[str, str, str], list[Inference]] = {}
    for row in rows:
        group = row.model_name, row.model_version, f"{row.predicted_at.astimezone(UTC):%Y-%m-%d}"
        groups.setdefault(group, []).append(row)
    return [_of_day(group, found, batch, step) for group, found in groups.items()]


def of_job(job: Job) -> Entry:
    """A retrain that has ended."""
    order, result = strict_json.parse(job.params), strict_json.parse(job.result or "null")
    model = strict_json.member(result, "model")
    trained = {f"model_{part}": strict_json.member(model, part) for part in ("name", "version")}
    params = strict_json.member(result, "params") or strict_json.member(order, "params")
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
        files={"order.json": job.params.encode(), "result.json": (job.result or "null").encode()},
    )


def nameless(text: str) -> str:
    """A JSON text less the members of the outermost object that hold a doctor's or a patient's name."""
    return strict_json.without(text, *NAMES) if text.lstrip().startswith("{") else text


def _of_day(group: tuple[str, str, str], rows: list[Inference], batch: UUID, step: int) -> Entry:
    name, version, day = group
    told = {"model_name": name, "model_version": version, "day": day}
    table = {"columns": COLUMNS, "data": [_cells(row) for row in rows]}
    confidences = [said[0][1] for row in rows if (said := _said(row.output_data))]
    latencies = [row.latency_ms for row in rows]
    surely = {"confidence_mean": fmean(confidences), "confidence_min": min(confidences)} if confidences else {}
    return Entry(
        key=key_of("inferences", *group),
        name=_line(" ".join(filter(None, ("inferences", day, name, version)))),
        started_at=datetime.fromisoformat(f"{day}T00:00:00Z"),
        ended_at=max(row.predicted_at for row in rows),
        tags={"kind": "inferences", **_texts(told)},
        params=_texts(told),
        metrics={
            "inferences": len(rows),
            "latency_ms_mean": fmean(latencies),
            "latency_ms_max": max(latencies),
            **surely,
        },
        step=step,
        files={f"inferences/{batch}.json": orjson.dumps(table, option=orjson.OPT_UTC_Z)},
    )


def _cells(row: Inference) -> list[Any]:
    """One row of the table. Both texts stay texts: in them numbers are as they were written."""
    said = _said(row.output_data)
    best = said[0] if said else (None, None)
    texts = nameless(row.input_data), nameless(row.output_data)
    return [row.id, row.predicted_at, row.latency_ms, *best, dict(said), *texts]


def _said(output: str) -> list[tuple[str, float]]:
    """The predictions of an answer in the reference model server's shape, surest first; empty for any other."""
    found = strict_json.glance(output.encode())
    listed = found.get("predictions") if isinstance(found, dict) else None
    pairs = [_pair(item) for item in listed] if isinstance(listed, list) else []
    return sorted(filter(None, pairs), key=lambda pair: -pair[1])


def _pair(item: Any) -> tuple[str, float] | None:
    confidence: Any = item.get("confidence") if isinstance(item, dict) else None
    return (_line(str(item.get("label"))), float(confidence)) if type(confidence) in {int, float} else None


def _model(row: Inference) -> dict[str, str]:
    return _texts({"model_name": row.model_name, "model_version": row.model_version})


def _members(value: strict_json.Value) -> dict[str, strict_json.Value]:
    return dict(value[:MOST_VALUES]) if strict_json.is_object(value) else {}


def _texts(values: Mapping[str, strict_json.Value]) -> dict[str, str]:
    """Those that are texts or numbers, the latter as they were written."""
    texts = {_word(name): _line(value) for name, value in values.items() if isinstance(value, str)}
    return {name: text for name, text in texts.items() if text}


def _numbers(values: Mapping[str, strict_json.Value]) -> dict[str, float]:
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, strict_json.Number)}
    return {_word(name): number for name, number in numbers.items() if isfinite(number)}


def _line(text: str) -> str:
    """A value that every database behind MLflow takes: on one line, without NUL or half a character."""
    return "".join(char if char.isprintable() else " " for char in text[:MOST_CHARACTERS])


def _word(text: str) -> str:
    """A name that MLflow takes."""
    return _ODD.sub("_", text)[:MOST_CHARACTERS] or "_"
