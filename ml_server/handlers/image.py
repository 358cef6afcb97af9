"""The handler for image classification."""

from pathlib import Path
from typing import Any

from ml_server.exceptions import FieldError, InvalidImage, Unprocessable
from ml_server.handlers.handler import Body, Handler, Metadata
from ml_server.images.decoder import decode
from ml_server.images.preprocessing import Preprocessing
from ml_server.images.sources import read_image
from ml_server.onnx_session import Tensor

# JSON Schema (2020-12) of a predict body for any image model. The shipped metadata holds a copy of it.
INPUT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "image": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "a JPEG, PNG or WebP file, or a data: URL of one; in multipart/form-data, the file itself",
        },
        "image_path": {
            "type": "string",
            "description": "instead of image: the path of a file within the server's IMAGE_DIR, if that is set",
        },
    },
    "oneOf": [{"required": ["image"]}, {"required": ["image_path"]}],
}


class ImageHandler(Handler):
    """Takes an image as an upload, as base64 or as a path, and preprocesses it as the metadata says."""

    task = "image-classification"

    def __init__(self, image_dir: Path | None) -> None:
        self._image_dir = image_dir

    def load(self, onnx: bytes, metadata: Metadata) -> None:
        """Also reads the metadata's `preprocessing`."""
        super().load(onnx, metadata)
        self._preprocessing = Preprocessing.from_metadata(metadata["preprocessing"])

    def preprocess(self, body: Body) -> Tensor:
        """Decodes and preprocesses the image. Returns shape (1, channels, height, width)."""
        self._validator.validate(body)
        field = "image_path" if "image_path" in body else "image"
        try:
            return self._preprocessing.to_tensor(decode(read_image(body, self._image_dir)))
        except InvalidImage as exc:
            raise Unprocessable("the image is invalid: see `fields`", [FieldError(field, exc.error)]) from exc
