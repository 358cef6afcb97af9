import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml_server.exceptions import InvalidImage
from ml_server.images.preprocessing import Preprocessing
from tests.ml_server.unit.sample_images import noise

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MOBILENET = Preprocessing(resize=232, crop=224, mean=MEAN, std=STD)
MAX_DIFFERENCE = 1.5  # of 255: Pillow rounds to integers after each of two passes, the reference uses doubles


def triangle(given: int, wanted: int) -> NDArray[np.float64]:
    """The weights of an antialiased bilinear filter: (wanted, given)."""
    scale = given / wanted
    centres = (np.arange(wanted) + 0.5) * scale
    distances = np.abs(np.arange(given) + 0.5 - centres[:, np.newaxis]) / max(scale, 1)
    weights = np.clip(1 - distances, 0, None)
    summed: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return summed


def reference(pixels: NDArray[np.uint8], resize: int, crop: int) -> NDArray[np.float64]:
    """Resizes the shorter side, crops the centre, scales, normalises. Independent of Pillow."""
    height, width = pixels.shape[:2]
    tall, wide = (resize * height // width, resize) if width < height else (resize, resize * width // height)
    rows = np.tensordot(triangle(height, tall), pixels.astype(float), axes=(1, 0))
    scaled = np.tensordot(rows, triangle(width, wide), axes=(1, 1)).transpose(0, 2, 1)
    top, left = round((tall - crop) / 2), round((wide - crop) / 2)
    cut = scaled[top : top + crop, left : left + crop] / 255
    normal: NDArray[np.float64] = ((cut - MEAN) / STD).transpose(2, 0, 1)[np.newaxis]
    return normal


@pytest.mark.parametrize("size", [(224, 224), (640, 480), (333, 500), (100, 77), (232, 1000), (900, 60)])
def test_it_matches_the_reference(size: tuple[int, int]) -> None:
    image = noise(*size)
    found, expected = MOBILENET.to_tensor(image), reference(np.asarray(image), 232, 224)
    assert found.shape == (1, 3, 224, 224)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    levels = np.abs(found - expected) * np.array(STD).reshape(3, 1, 1) * 255
    assert levels.max() < MAX_DIFFERENCE
    assert levels.mean() < MAX_DIFFERENCE / 4


def test_it_does_not_change_an_image_of_the_right_size() -> None:
    image = noise(8, 8)
    plain = Preprocessing(resize=8, crop=8, mean=(0, 0, 0), std=(1, 1, 1))
    assert (plain.to_tensor(image)[0].transpose(1, 2, 0) * 255).round().astype(int).tolist() == np.asarray(
        image
    ).tolist()


def test_it_converts_to_grey_if_the_model_has_one_channel() -> None:
    grey = Preprocessing(resize=8, crop=8, mean=(0.5,), std=(0.25,), channels="L")
    assert grey.to_tensor(Image.new("RGB", (8, 8), (51, 51, 51))).ravel().tolist() == pytest.approx([-1.2] * 64)


def test_it_rejects_a_narrow_image_before_resizing() -> None:
    assert MOBILENET.to_tensor(noise(200, 10)).shape == (1, 3, 224, 224)
    with pytest.raises(InvalidImage, match="20 times as long as wide"):
        MOBILENET.to_tensor(Image.new("RGB", (60_000, 1)))


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
def test_it_rejects_invalid_metadata(wrong: dict[str, object]) -> None:
    given = {"resize": 232, "crop": 224, "mean": list(MEAN), "std": list(STD)}
    assert Preprocessing.from_metadata(given) == MOBILENET
    with pytest.raises((ValueError, TypeError, KeyError)):
        Preprocessing.from_metadata(given | wrong)
