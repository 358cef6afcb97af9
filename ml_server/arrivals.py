"""How a model that was trained elsewhere comes onto its shelf: a folder with an ONNX file and its metadata.

`models/README.md` says what that may hold.
"""

import hashlib
import json
import logging
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ml_server.exceptions import BrokenModel, NotSaved
from ml_server.handlers.image import INPUT_SCHEMA, ImageHandler
from ml_server.shelf import Shelf

METADATA = "metadata.json"
DEFAULTS: dict[str, Any] = {"metrics": {}, "trained_at": None, "lineage": {}}

log = logging.getLogger(__name__)


def take_in(source: Path, shelf: Shelf) -> None:
    """Adds the model in `source` as a new version, unless the shelf has it. The first of a shelf comes into service.

    What can't be used is refused, with its reason in the log; whatever serves goes on.
    """
    try:
        _take_in(source, shelf)
    except BrokenModel as exc:
        log.warning("the model in %s is refused: %s", source, exc)
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        log.warning("the model in %s is refused: its files can't be used (%s)", source, type(exc).__name__)
    except NotSaved as exc:
        log.warning("the model in %s is not taken in: %s", source, exc)


def _take_in(source: Path, shelf: Shelf) -> None:
    metadata = json.loads((source / METADATA).read_bytes())
    file = source / Path(metadata.get("file", "model.onnx")).name
    if not file.exists():
        log.info("%s waits for its file %s: see models/README.md", source.name, file.name)
        return
    onnx = file.read_bytes()
    digest = hashlib.sha256(onnx).hexdigest()
    if not shelf.serving or all(card.get("onnx_sha256") != digest for card in shelf.cards()):
        card = {"onnx_sha256": digest} | _card(source, metadata) | {"version": shelf.next_version()}
        shelf.add(onnx, card, promote=not shelf.serving)
        log.info("%s version %s is taken in", card["name"], card["version"])


def _card(source: Path, metadata: dict[str, Any]) -> dict[str, Any]:
    card = {**DEFAULTS, **metadata, "name": source.name}
    if "classes_file" in card:
        lines = (source / Path(card["classes_file"]).name).read_text("utf-8").splitlines()
        card["classes"] = [line.strip() for line in lines if line.strip()]
    if card.get("task") == ImageHandler.task:
        card = {"input_schema": INPUT_SCHEMA, "example": {"model": source.name, "image": _grey()}} | card
    return card


def _grey() -> str:
    file = BytesIO()
    Image.new("L", (32, 32), 128).save(file, "PNG")
    return b64encode(file.getvalue()).decode()
