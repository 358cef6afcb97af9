"""The preprocessing that a model's metadata describes: size, crop, channels, mean and standard deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from PIL import Image

from ml_server.exceptions import InvalidImage
from ml_server.onnx_session import Tensor

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
CHANNELS = {"RGB": 3, "L": 1}
MAX_RESIZE = 4096  # pixels
MAX_ASPECT_RATIO = 20  # resizing the shorter side enlarges the longer one in proportion


@dataclass(frozen=True)
class Preprocessing:
    """Does the same as torchvision's classification presets: resize, centre crop, scale to 0…1, normalise.

    `resize`: pixels of the shorter side; the longer one is scaled in proportion. `crop`: pixels of the square's side.
    `mean`, `std`: one number for each channel, for values from 0 to 1. `channels`: RGB, or L for grey.
    """

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: Literal["RGB", "L"] = "RGB"
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        is_valid = (
            0 < self.crop <= self.resize <= MAX_RESIZE
            and len(self.mean) == len(self.std) == CHANNELS[self.channels]
            and all(std > 0 for std in self.std)
            and self.interpolation in INTERPOLATIONS
        )
        if not is_valid:
            raise ValueError("preprocessing is invalid: see models/README.md")

    @classmethod
    def from_metadata(cls, members: Mapping[str, Any]) -> Self:
        """Reads a metadata file's `preprocessing`. Raises `ValueError`, `TypeError` or `KeyError` if it is invalid."""
        return cls(**{**members, "mean": tuple(members["mean"]), "std": tuple(members["std"])})

    def to_tensor(self, image: Image.Image) -> Tensor:
        """Preprocesses the image. Returns shape (1, channels, crop, crop).

        Raises:
            InvalidImage: the image is too narrow.
        """
        if max(image.size) > MAX_ASPECT_RATIO * min(image.size):
            raise InvalidImage(f"must not be more than {MAX_ASPECT_RATIO} times as long as wide")
        converted = image if image.mode == self.channels else image.convert(self.channels)
        pixels = np.asarray(self._resize_and_crop(converted), dtype=np.float32) / np.float32(255)
        pixels = pixels.reshape(self.crop, self.crop, -1)
        normalised = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[np.newaxis])

    def _resize_and_crop(self, image: Image.Image) -> Image.Image:
        width, height = image.size
        shorter = min(width, height)
        size = (int(self.resize * width / shorter), int(self.resize * height / shorter))
        resized = image.resize(size, INTERPOLATIONS[self.interpolation])
        left, top = (round((side - self.crop) / 2) for side in size)
        return resized.crop((left, top, left + self.crop, top + self.crop))
