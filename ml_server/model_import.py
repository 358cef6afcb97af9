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

from PIL import Image

from ml_server.exceptions import InvalidModel, SaveFailed
from ml_server.handlers.image import INPUT_SCHEMA, ImageHandler
from ml_server.model_store import ModelStore
from ml_server.promotion_log import IMPORTED, Promotion

METADATA_FILE = "metadata.json"
DEFAULTS: dict[str, Any] = {"metrics": {}, "trained_at": None, "lineage": {}}

log = logging.getLogger(__name__)


def import_model(source: Path, store: ModelStore) -> None:
    """Adds the model in the folder `source` as a new version, unless `store` already has this file.

    The first version of a model is promoted. An invalid model is refused and the reason is logged; the serving version
    is not affected.
    """
    try:
        _import_model(source, store)
    except InvalidModel as exc:
        log.warning("the model in %s is refused, see models/README.md: %s", source, exc)
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        log.warning(
            "the model in %s is refused, see models/README.md: its files are invalid (%s)", source, type(exc).__name__
        )
    except SaveFailed as exc:
        log.warning("the model in %s is not imported: %s", source, exc)


def _import_model(source: Path, store: ModelStore) -> None:
    members = json.loads((source / METADATA_FILE).read_bytes())
    file = source / Path(members.get("file", "model.onnx")).name
    if not file.exists():
        log.info("%s is not imported: its file %s is missing, see models/README.md", source.name, file.name)
        return
    onnx = file.read_bytes()
    digest = hashlib.sha256(onnx).hexdigest()
    if not store.serving or all(each.get("onnx_sha256") != digest for each in store.all_metadata()):
        metadata = {"onnx_sha256": digest} | _complete(source, members) | {"version": store.next_version()}
        store.add(onnx, metadata, promote=not store.serving, promotion=Promotion(IMPORTED))
        log.info("%s version %s is imported", metadata["name"], metadata["version"])


def _complete(source: Path, members: dict[str, Any]) -> dict[str, Any]:
    metadata = {**DEFAULTS, **members, "name": source.name}
    if "classes_file" in metadata:
        lines = (source / Path(metadata["classes_file"]).name).read_text("utf-8").splitlines()
        metadata["classes"] = [line.strip() for line in lines if line.strip()]
    if metadata.get("task") == ImageHandler.task:
        example = {"model": source.name, "image": _grey_image()}
        metadata = {"input_schema": INPUT_SCHEMA, "example": example} | metadata
    return metadata


def _grey_image() -> str:
    file = BytesIO()
    Image.new("L", (32, 32), 128).save(file, "PNG")
    return b64encode(file.getvalue()).decode()
