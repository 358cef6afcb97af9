"""Imports models that were trained elsewhere: each is a folder with an ONNX file and a metadata file.

`models/README.md` describes these files.
"""

import hashlib
import json
import logging
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from onnx import load_from_string
from PIL import Image

from ml_server.exceptions import InvalidModel, SaveFailed
from ml_server.handlers.image import INPUT_SCHEMA, ImageHandler
from ml_server.model_store import ModelStore

METADATA_FILE = "metadata.json"
DEFAULT_FILE = "model.onnx"
DEFAULTS: dict[str, Any] = {"metrics": {}, "trained_at": None, "lineage": {}}

log = logging.getLogger(__name__)


def fetched_file(source: Path, weights: Path) -> Path:
    """Where in the folder `weights` the ONNX file of the model in the folder `source` will be, once it is fetched."""
    try:
        return weights / _file_name(json.loads((source / METADATA_FILE).read_bytes()))
    except (OSError, ValueError, TypeError, AttributeError):  # the import says what is wrong
        return weights / DEFAULT_FILE


def import_model(source: Path, store: ModelStore, weights: Path | None = None) -> None:
    """Adds the model in the folder `source` as a new version, unless `store` already has this file.

    Its ONNX file is in `source`, or in the folder `weights`. The first version of a model is promoted. An invalid model
    is refused and the reason is logged; the serving version is not affected.
    """
    try:
        _import_model(source, store, weights)
    except InvalidModel as exc:
        log.warning("the model in %s is refused, see models/README.md: %s", source, exc)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as exc:
        log.warning(
            "the model in %s is refused, see models/README.md: its files are invalid (%s)", source, type(exc).__name__
        )
    except SaveFailed as exc:
        log.warning("the model in %s is not imported: %s", source, exc)


def _import_model(source: Path, store: ModelStore, weights: Path | None) -> None:
    members = json.loads((source / METADATA_FILE).read_bytes())
    file = source / _file_name(members)
    if weights and not file.exists():
        file = weights / file.name
    if not file.exists():
        log.info("%s is not imported: its file %s is missing, see models/README.md", source.name, file.name)
        return
    onnx = file.read_bytes()
    digest = hashlib.sha256(onnx).hexdigest()
    if not store.serving or all(each.get("onnx_sha256") != digest for each in store.all_metadata()):
        metadata = {"onnx_sha256": digest} | _complete(source, members, onnx) | {"version": store.next_version()}
        store.add(onnx, metadata, promote=not store.serving)
        log.info("%s version %s is imported", metadata["name"], metadata["version"])


def _file_name(members: dict[str, Any]) -> str:
    return Path(members.get("file", DEFAULT_FILE)).name


def _complete(source: Path, members: dict[str, Any], onnx: bytes) -> dict[str, Any]:
    metadata = {**DEFAULTS, **members, "name": source.name}
    if "classes_property" in metadata:
        metadata["classes"] = json.loads(_properties(onnx)[metadata["classes_property"]])
    if "classes_file" in metadata:
        lines = (source / Path(metadata["classes_file"]).name).read_text("utf-8").splitlines()
        metadata["classes"] = [line.strip() for line in lines if line.strip()]
    if metadata.get("task") == ImageHandler.task:
        example = {"model": source.name, "image": _grey_image()}
        metadata = {"input_schema": INPUT_SCHEMA, "example": example} | metadata
    return metadata


def _properties(onnx: bytes) -> dict[str, str]:
    try:
        return {each.key: each.value for each in load_from_string(onnx).metadata_props}
    except Exception as exc:  # protobuf has a class of its own
        raise InvalidModel(f"its ONNX file can't be read ({type(exc).__name__})") from exc


def _grey_image() -> str:
    file = BytesIO()
    Image.new("L", (32, 32), 128).save(file, "PNG")
    return b64encode(file.getvalue()).decode()
