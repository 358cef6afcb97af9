"""What a network wants of a picture, as data: size, crop, channels, mean and standard deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from PIL import Image

from ml_server.exceptions import BadImage
from ml_server.network import Tensor

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
CHANNELS = {"RGB": 3, "L": 1}
LARGEST = 4096  # pixels of a side
MOST_STRETCHED = 20  # a narrow picture would grow by its whole length when its short side does


@dataclass(frozen=True)
class Preparation:
    """As torchvision's presets for classification do it: resize, centre crop, scale to 0…1, normalise.

    `resize`: pixels of the shorter side, the other in proportion. `crop`: pixels of the square's side. `mean`, `std`:
    one for each channel, of values from 0 to 1. `channels`: RGB, or L for grey.
    """

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: Literal["RGB", "L"] = "RGB"
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        sound = (
            0 < self.crop <= self.resize <= LARGEST
            and len(self.mean) == len(self.std) == CHANNELS[self.channels]
            and all(std > 0 for std in self.std)
            and self.interpolation in INTERPOLATIONS
        )
        if not sound:
            raise ValueError("preprocessing that can't be")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From a metadata file's `preprocessing`. Raises `ValueError`, `TypeError` or `KeyError`."""
        return cls(**{**given, "mean": tuple(given["mean"]), "std": tuple(given["std"])})

    def tensor(self, image: Image.Image) -> Tensor:
        """The picture in the network's order: shape (1, channels, crop, crop).

        Raises:
            BadImage: it is too narrow.
        """
        if max(image.size) > MOST_STRETCHED * min(image.size):
            raise BadImage(f"must not be more than {MOST_STRETCHED} times as long as wide")
        fitting = image if image.mode == self.channels else image.convert(self.channels)
        pixels = np.asarray(self._cut(fitting), dtype=np.float32) / np.float32(255)
        pixels = pixels.reshape(self.crop, self.crop, -1)
        normal = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1)[np.newaxis])

    def _cut(self, image: Image.Image) -> Image.Image:
        width, height = image.size
        short = min(width, height)
        size = (int(self.resize * width / short), int(self.resize * height / short))
        scaled = image.resize(size, INTERPOLATIONS[self.interpolation])
        left, top = (round((side - self.crop) / 2) for side in size)
        return scaled.crop((left, top, left + self.crop, top + self.crop))
