"""The models on this machine: a folder with an ONNX file and a description for each, IMAGE_MODELS_DIR."""

import hashlib
import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from imaging.exceptions import ModelMissing
from imaging.weights import packages
from imaging.weights.catalogue import Model


def fetch(model: Model) -> None:
    """Downloads, checks and stores a model. Raises `NotAvailable`, `BadCheckpoint` or `OSError`."""
    grouped = groupby(model.members, key=lambda member: member.package)
    files = [data for _, members in grouped for data in packages.take(list(members))]
    onnx = model.build(*files)
    _write(_path(model, "onnx"), onnx)
    _write(
        _path(model, "json"), json.dumps(_described(model, onnx), indent=1).encode()
    )  # last: it says that all is there


def is_there(model: Model) -> bool:
    """Whether a complete model of this version is in the folder."""
    return _description(model).get("version") == model.version


def load(model: Model) -> bytes:
    """The ONNX file. Raises `ModelMissing` if it is not there, or not the one that was stored."""
    try:
        onnx = _path(model, "onnx").read_bytes()
    except OSError:
        onnx = b""
    description = _description(model)
    if description.get("version") != model.version or description.get("sha256") != hashlib.sha256(onnx).hexdigest():
        raise ModelMissing(
            f"The weights of {model.name} are not on this machine. Run `make models` (or `manage.py fetch_models`); "
            "`make up` does so in the background."
        )
    return onnx


def _described(model: Model, onnx: bytes) -> dict[str, Any]:
    files = [
        {"package": f"{each.package.name}=={each.package.version}", "file": each.path, "sha256": each.sha256}
        for each in model.members
    ]
    sha256 = hashlib.sha256(onnx).hexdigest()
    return {"name": model.name, "version": model.version, "licence": model.licence, "sha256": sha256, "made_of": files}


def _description(model: Model) -> dict[str, Any]:
    try:
        found = json.loads(_path(model, "json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(model: Model, suffix: str) -> Path:
    return Path(settings.IMAGE_MODELS_DIR) / f"{model.name}.{suffix}"


def _write(path: Path, data: bytes) -> None:
    """Atomically: another process may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
