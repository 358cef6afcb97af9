"""Whether desk photos can be served: the models on this machine, and its GPU."""

from pathlib import Path
from typing import Any

from imaging.weights import folder
from imaging.weights.catalogue import MODELS

GPUS = Path("/proc/driver/nvidia/gpus")


def described() -> dict[str, Any]:
    """The answer of `GET /ai/healthcheck/`."""
    parts = {name: "ready" if folder.is_there(model) else "missing: make models" for name, model in MODELS.items()}
    status = "healthy" if set(parts.values()) == {"ready"} else "degraded"
    return {"status": status, "parts": parts, "gpu": _gpus()}


def _gpus() -> list[str]:
    """The names of NVIDIA's GPUs, as their driver says; none without it."""
    try:
        lines = [line for path in GPUS.glob("*/information") for line in path.read_text().splitlines()]
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
