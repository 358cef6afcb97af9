"""Real exchanges with the model server: its own example and variations of it."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from common import strict_json
from ml_proxy import upstream
from ml_proxy.demo.inputs import varied
from ml_proxy.exceptions import UpstreamError
from ml_proxy.upstream import Answer

MAX_MODEL_TEXT = 200  # characters kept of a model's name and version
NAMES = ("doctor_name", "patient_name")


class CannotSeed(Exception):
    """Seeding is not possible. The text says why and what to do, in one line."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One input without names and the model's answer, both JSON texts. `latency_ms` is the measured latency."""

    input: str
    output: str
    latency_ms: float
    model_name: str
    model_version: str


def ask_model(count: int, rng: random.Random) -> Iterator[Exchange]:
    """Yields at most `count` distinct exchanges; the first uses the model's unmodified example.

    Variations that the model refuses are left out. Raises `CannotSeed`.
    """
    example, schema = _model_info()
    first = _exchange(example)
    if first is None:
        raise CannotSeed(
            "The model server refuses its own example: check that /api/v1/predict accepts the example of model-info."
        )
    yield first
    seen = [example]
    for _ in range(count - 1):
        body = varied(example, schema, rng)
        if body not in seen and (exchange := _exchange(body)) is not None:
            yield exchange
            seen.append(body)


def _model_info() -> tuple[dict[str, Any], Any]:
    """Returns the first model's example and the JSON Schema of its input."""
    answer = _forward("GET", "model-info")
    try:
        model = _parsed(answer)["models"][0]
        example = model["example"]
    except (LookupError, TypeError):
        example = None
    if not (answer.is_success and isinstance(example, dict)):
        raise CannotSeed("The model server's /api/v1/model-info has no models[0].example with a body for predict.")
    return example, model.get("input_schema")


def _exchange(body: dict[str, Any]) -> Exchange | None:
    """Sends `body` to the model. Returns None if the answer is not a 2xx."""
    answer = _forward("POST", "predict", json.dumps(body).encode())
    if not answer.is_success:
        return None
    model = _parsed(answer)
    model = model.get("model") if isinstance(model, dict) else None
    return Exchange(
        input=json.dumps({name: value for name, value in body.items() if name not in NAMES}),
        output=strict_json.decode(answer.body),
        latency_ms=answer.latency_ms,
        model_name=_text(model, "name"),
        model_version=_text(model, "version"),
    )


def _forward(method: str, path: str, body: bytes = b"") -> Answer:
    fields = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if body:
        fields["Content-Type"] = "application/json"
    try:
        return upstream.forward(method, path, fields=fields, body=body, total_seconds=settings.UPSTREAM_TOTAL_SECONDS)
    except UpstreamError as exc:
        hint = "Start it (make up, or the Procfile's ml_server line), or set ML_SERVER_URL to a running one."
        raise CannotSeed(f"{exc.detail} {hint}") from exc


def _parsed(answer: Answer) -> Any:
    try:
        text = strict_json.decode(answer.body)
        strict_json.parse(text)
        return json.loads(text)
    except (strict_json.NotJSON, ValueError) as exc:
        raise CannotSeed(
            f"The model server's answer is not JSON ({exc}): check that ML_SERVER_URL points to a model server."
        ) from exc


def _text(model: Any, member: str) -> str:
    value = model.get(member) if isinstance(model, dict) else None
    return (
        value.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_MODEL_TEXT] if isinstance(value, str) else ""
    )
