import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml_server.exceptions import BadImage
from ml_server.images.preparation import Preparation
from tests.ml_server.unit.pictures import noise

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MOBILENET = Preparation(resize=232, crop=224, mean=MEAN, std=STD)
LEVELS = 1.5  # of 255: the reference computes in doubles, Pillow rounds to whole levels after each of two passes


def triangle(given: int, wanted: int) -> NDArray[np.float64]:
    """The weights of a bilinear filter as wide as it must be not to alias: (wanted, given)."""
    scale = given / wanted
    centres = (np.arange(wanted) + 0.5) * scale
    distances = np.abs(np.arange(given) + 0.5 - centres[:, np.newaxis]) / max(scale, 1)
    weights = np.clip(1 - distances, 0, None)
    summed: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return summed


def reference(pixels: NDArray[np.uint8], resize: int, crop: int) -> NDArray[np.float64]:
    """Resize the shorter side, crop the centre, scale, normalise; written from the definition, without Pillow."""
    height, width = pixels.shape[:2]
    tall, wide = (resize * height // width, resize) if width < height else (resize, resize * width // height)
    rows = np.tensordot(triangle(height, tall), pixels.astype(float), axes=(1, 0))
    scaled = np.tensordot(rows, triangle(width, wide), axes=(1, 1)).transpose(0, 2, 1)
    top, left = round((tall - crop) / 2), round((wide - crop) / 2)
    cut = scaled[top : top + crop, left : left + crop] / 255
    normal: NDArray[np.float64] = ((cut - MEAN) / STD).transpose(2, 0, 1)[np.newaxis]
    return normal


@pytest.mark.parametrize("size", [(224, 224), (640, 480), (333, 500), (100, 77), (232, 1000), (900, 60)])
def test_it_prepares_as_the_definition_says(size: tuple[int, int]) -> None:
    image = noise(*size)
    found, expected = MOBILENET.tensor(image), reference(np.asarray(image), 232, 224)
    assert found.shape == (1, 3, 224, 224)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    levels = np.abs(found - expected) * np.array(STD).reshape(3, 1, 1) * 255
    assert levels.max() < LEVELS
    assert levels.mean() < LEVELS / 4


def test_it_changes_nothing_that_has_the_right_size() -> None:
    image = noise(8, 8)
    plain = Preparation(resize=8, crop=8, mean=(0, 0, 0), std=(1, 1, 1))
    assert (plain.tensor(image)[0].transpose(1, 2, 0) * 255).round().astype(int).tolist() == np.asarray(image).tolist()


def test_it_takes_grey_where_the_network_does() -> None:
    grey = Preparation(resize=8, crop=8, mean=(0.5,), std=(0.25,), channels="L")
    assert grey.tensor(Image.new("RGB", (8, 8), (51, 51, 51))).ravel().tolist() == pytest.approx([-1.2] * 64)


def test_it_refuses_a_narrow_picture_before_it_grows() -> None:
    assert MOBILENET.tensor(noise(200, 10)).shape == (1, 3, 224, 224)
    with pytest.raises(BadImage, match="20 times as long as wide"):
        MOBILENET.tensor(Image.new("RGB", (60_000, 1)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": 0},
        {"crop": 300},
        {"resize": 10**6, "crop": 10**6},
        {"mean": [0.5]},
        {"std": [0, 1, 1]},
        {"channels": "CMYK"},
        {"interpolation": "magic"},
        {"colour": 1},
    ],
)
def test_it_refuses_metadata_that_cannot_be(wrong: dict[str, object]) -> None:
    given = {"resize": 232, "crop": 224, "mean": list(MEAN), "std": list(STD)}
    assert Preparation.of(given) == MOBILENET
    with pytest.raises((ValueError, TypeError, KeyError)):
        Preparation.of(given | wrong)
