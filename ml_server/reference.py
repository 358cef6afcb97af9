"""How each input was distributed in the training data. A caller compares its own inputs with it, to see drift."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml_server.onnx_session import FloatArray

DECILES = np.arange(0.1, 0.95, 0.1)


def build_reference(features: Sequence[str], rows: FloatArray) -> dict[str, Any]:
    """The `reference` of model-info for a body `{"features": {name: number}}`. `rows`: shape (n, features).

    By the JSON pointer of each input: its bounds, the inner edges of ten bins, and how many rows each bin has. A bin
    includes its lower edge. Bins of equal edges are merged.
    """
    columns = zip(features, rows.T, strict=True)
    return {"rows": len(rows), "inputs": {f"/features/{name}": _describe(values) for name, values in columns}}


def _describe(values: FloatArray) -> dict[str, Any]:
    edges = np.unique(np.quantile(values, DECILES))
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return {
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "edges": [float(edge) for edge in edges],
        "counts": [int(count) for count in counts],
    }
