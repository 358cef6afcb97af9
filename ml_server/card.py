"""What is written beside a version's ONNX file: all that a caller or an auditor may want to know of it."""

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from ml_server.courses.course import Course
from ml_server.dataset import DataSet, digests
from ml_server.examples import NO_EXAMPLES, Examples
from ml_server.params import Params
from ml_server.training import Trained

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx")
OF_THE_RUN = ("seed", "min_seconds", "promote")  # parameters that stand elsewhere, or that the model doesn't depend on


def write_card(
    course: Course,
    version: str,
    *,
    data: DataSet,
    params: Params,
    trained: Trained,
    parent: str | None,
    examples: Examples = NO_EXAMPLES,
) -> dict[str, Any]:
    """The metadata of one version, ready for JSON; `parent` is the version that served while it was trained."""
    card = {
        "name": course.name,
        "version": version,
        **course.describe(data, trained.split),
        "classes": list(data.classes),
        "metrics": trained.metrics,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": data.licence,
        "lineage": _lineage(course, data, params, parent),
        "onnx_sha256": hashlib.sha256(trained.onnx).hexdigest(),
        "seen": " ".join(sorted(set(digests(trained.split.train_rows)))),
    }
    if examples.taught:
        card["lineage"] |= {"examples": examples_told(examples, trained) | examples.shown()}
        card["taught"] = list(examples.taught)
    return card


def examples_told(examples: Examples, trained: Trained) -> dict[str, Any]:
    """What became of a training's examples: how many were used, learned, left out and why, and the hold-out's loss."""
    return {**examples.told(), "learned": trained.learned, "holdout_given_up": trained.split.given_up}


def _lineage(course: Course, data: DataSet, params: Params, parent: str | None) -> dict[str, Any]:
    return {
        "data": {"name": data.name, "source": data.source, "rows": len(data.labels), "sha256": data.sha256},
        "method": course.method,
        "params": {name: value for name, value in asdict(params).items() if name not in OF_THE_RUN},
        "seed": params.seed,
        "code_sha256": code_sha256(),
        "libraries": {library: installed_version(library) for library in LIBRARIES},
        "parent": parent,
    }


@cache
def code_sha256() -> str:
    """Of this package's source files, each after its path: the code version, wherever there is no repository."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
