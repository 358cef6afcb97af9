"""Pictures."""

from pathlib import Path
from typing import Any

from ml_server.exceptions import BadImage, Fault, Unprocessable
from ml_server.handlers.handler import Body, Card, Handler
from ml_server.images.decoding import decode
from ml_server.images.preparation import Preparation
from ml_server.images.sources import read_image
from ml_server.network import Tensor

# JSON Schema (2020-12) of a predict body for any model of pictures.
INPUT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "image": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "a JPEG, PNG or WebP file; a data: URL will do; in multipart/form-data, the file itself",
        },
        "image_path": {
            "type": "string",
            "description": "instead of image: a file's path within the server's IMAGE_DIR, where that is set",
        },
    },
    "oneOf": [{"required": ["image"]}, {"required": ["image_path"]}],
}


class ImageHandler(Handler):
    """A picture by upload, as base64 or by its path; made into what the card's `preprocessing` says."""

    task = "image-classification"

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, onnx: bytes, card: Card) -> None:
        """Reads how pictures are prepared too."""
        super().load(onnx, card)
        self._preparation = Preparation.of(card["preprocessing"])

    def preprocess(self, body: Body) -> Tensor:
        """The picture as the network wants it, shape (1, channels, height, width)."""
        self._checker.check(body)
        field = "image_path" if "image_path" in body else "image"
        try:
            return self._preparation.tensor(decode(read_image(body, self._folder)))
        except BadImage as exc:
            raise Unprocessable("the image can't be used", [Fault(field, exc.error)]) from exc
