"""What is written beside a version's ONNX file: all that a caller or an auditor may want to know of it."""

import hashlib
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any

from ml_server.dataset import DataSet
from ml_server.params import Params
from ml_server.training import Trained

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "skl2onnx")
# No biopsy measures less than nothing; and what is beyond the other bound would not fit the network's 32-bit floats.
LEAST, MOST = 0.0, 1e6


def write_card(
    name: str, version: str, *, data: DataSet, params: Params, trained: Trained, parent: str | None
) -> dict[str, Any]:
    """The metadata of one version, ready for JSON; `parent` is the version that served while it was trained."""
    return {
        "name": name,
        "version": version,
        "task": "tabular-classification",
        "input_schema": input_schema(data),
        "example": _example(name, data, trained),
        "classes": list(data.classes),
        "metrics": trained.metrics,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lineage": _lineage(data, params, parent),
        "onnx_sha256": hashlib.sha256(trained.onnx).hexdigest(),
    }


def input_schema(data: DataSet) -> dict[str, Any]:
    """JSON Schema (2020-12) of a predict body: every feature by name, other members beside `features` welcome."""
    number = {"type": "number", "minimum": LEAST, "maximum": MOST}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["features"],
        "properties": {
            "model": {"type": "string"},
            "features": {
                "type": "object",
                "required": list(data.features),
                "additionalProperties": False,
                "properties": dict.fromkeys(data.features, number),
            },
        },
    }


def _example(name: str, data: DataSet, trained: Trained) -> dict[str, Any]:
    row = trained.split.holdout_rows[0]
    return {"model": name, "features": dict(zip(data.features, map(float, row), strict=True))}


def _lineage(data: DataSet, params: Params, parent: str | None) -> dict[str, Any]:
    asked = {"C": params.C, "epochs": params.epochs, "test_size": params.test_size}
    return {
        "data": {"name": data.name, "source": data.source, "rows": len(data.labels), "sha256": data.sha256},
        "method": "logistic regression on standardised features, stochastic gradient descent",
        "params": asked,
        "seed": params.seed,
        "libraries": {library: installed_version(library) for library in LIBRARIES},
        "parent": parent,
    }
