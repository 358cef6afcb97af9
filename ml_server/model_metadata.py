"""The metadata that is stored beside a version's ONNX file, for callers and auditors."""

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from ml_server.dataset import Dataset, row_digests
from ml_server.examples import NO_EXAMPLES, ParsedExamples
from ml_server.params import Params
from ml_server.recipes.recipe import Recipe
from ml_server.train import TrainingResult

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx")
NOT_IN_LINEAGE = (
    "seed",
    "min_seconds",
    "promote",
    "forget_feedback",
)  # parameters stored elsewhere, or without effect on the model


def build_metadata(
    recipe: Recipe,
    version: str,
    *,
    dataset: Dataset,
    params: Params,
    result: TrainingResult,
    parent: str | None,
    examples: ParsedExamples = NO_EXAMPLES,
) -> dict[str, Any]:
    """The metadata of one version, ready for JSON. `parent` is the version that served during the training."""
    metadata = {
        "name": recipe.name,
        "version": version,
        **recipe.describe(dataset, result.split),
        "classes": list(dataset.classes),
        "metrics": result.metrics,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": dataset.licence,
        "lineage": _lineage(recipe, dataset, params, parent),
        "onnx_sha256": hashlib.sha256(result.onnx).hexdigest(),
        "seen": " ".join(sorted(set(row_digests(result.split.train_rows)))),
    }
    if examples.taught:
        metadata["lineage"] |= {"examples": examples_summary(examples, result) | examples.lineage()}
        metadata["trained_on"] = examples.used
    return metadata


def examples_summary(examples: ParsedExamples, result: TrainingResult) -> dict[str, Any]:
    """How many examples were used, learned and left out, and how many rows were removed from the hold-out."""
    return {**examples.summary(), "learned": result.learned, "holdout_removed": result.split.holdout_removed}


def _lineage(recipe: Recipe, dataset: Dataset, params: Params, parent: str | None) -> dict[str, Any]:
    return {
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "rows": len(dataset.labels),
            "sha256": dataset.sha256,
        },
        "method": recipe.method,
        "params": {name: value for name, value in asdict(params).items() if name not in NOT_IN_LINEAGE},
        "forget_feedback": params.forget_feedback,
        "seed": params.seed,
        "code_sha256": code_sha256(),
        "libraries": {library: installed_version(library) for library in LIBRARIES},
        "parent": parent,
    }


@cache
def code_sha256() -> str:
    """Digest of this package's source files and their paths. Identifies the code even without a repository."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
