import numpy as np
import pytest
from PIL import Image

from ml_server.exceptions import BadImage
from ml_server.images.decoding import MAX_BYTES, decode
from ml_server.images.jpeg import count_scans
from tests.ml_server.unit.pictures import bombs, encoded, noise, redrawn

ORIENTATION = 0x0112
CORNERS = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 9, 9]] * 3], dtype=np.uint8))
REASONS = {
    "gif": "is no JPEG, PNG or WebP file that can be read",
    "half a JPEG": "is damaged or truncated",
    "half a PNG": "is damaged or truncated",
    "900 million pixels": "must have 25000000 pixels or less",
    "a little over": "must have 25000000 pixels or less",
    "WebP of 268 million": "must have 25000000 pixels or less",
    "animated PNG": "must not be animated",
    "animated WebP": "must not be animated",
    "drawn over a thousand times": "must have 50 scans or less",
    "too many bytes": f"must be {MAX_BYTES} bytes or less",
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_reads_the_three_kinds(kind: str) -> None:
    image = decode(encoded(noise(40, 30), kind, quality=95))
    assert (image.mode, image.size) == ("RGB", (40, 30))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_turns_a_picture_as_its_exif_says(orientation: int) -> None:
    undo = [None, *(Image.Transpose(place) for place in (0, 3, 1, 5, 2, 6, 4))][orientation - 1]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = CORNERS if undo is None else CORNERS.transpose(undo)
    assert np.asarray(decode(encoded(stored, exif=exif))).tolist() == np.asarray(CORNERS).tolist()


def test_it_lays_what_is_transparent_on_white() -> None:
    assert decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(Image.new("LA", (4, 4), (0, 255)))).getpixel((0, 0)) == (0, 0, 0)
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert decode(encoded(palette, transparency=1)).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(palette)).getpixel((0, 0)) == (0, 255, 0)


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.fromarray(np.full((4, 4), 0x4DFF, dtype=np.uint16)), (77, 77, 77)),
    ],
    ids=["grey", "black and white", "16 bits"],
)
def test_it_makes_any_mode_colour(image: Image.Image, colour: tuple[int, int, int]) -> None:
    assert decode(encoded(image)).getpixel((0, 0)) == colour


def test_it_reads_the_first_picture_of_a_phones_jpeg() -> None:
    raw = encoded(noise(32, 32), "MPO", save_all=True, append_images=[noise(32, 32, 1)])
    assert decode(raw).tobytes() == decode(encoded(noise(32, 32), "JPEG")).tobytes()


@pytest.mark.parametrize("name", bombs())
def test_it_refuses_a_bomb_and_says_why(name: str) -> None:
    if name in {"narrow", "more pixels than said"}:
        decode(bombs()[name])  # harmless by now, or for the preparation to refuse
        return
    with pytest.raises(BadImage) as caught:
        decode(bombs()[name])
    assert caught.value.error == REASONS.get(name, caught.value.error)


@pytest.mark.parametrize(("raw", "scans"), [(encoded(noise(64, 64), "JPEG"), 1), (redrawn(0), 10), (redrawn(7), 17)])
def test_it_counts_the_scans_of_a_jpeg(raw: bytes, scans: int) -> None:
    assert count_scans(raw) == scans
    assert count_scans(raw + b"\xff\xda" * 100) == scans  # what phones append is no part of the picture
    within = b"\xff\xe5" + (2 + 4).to_bytes(2) + b"\xff\xda\xff\xda"
    assert count_scans(raw[:2] + within + raw[2:]) == scans
    assert count_scans(b"\x89PNG" + raw) == 0
