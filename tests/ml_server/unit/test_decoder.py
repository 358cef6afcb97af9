import numpy as np
import pytest
from PIL import Image

from ml_server.exceptions import InvalidImage
from ml_server.images.decoder import MAX_BYTES, decode
from ml_server.images.jpeg import count_scans
from tests.ml_server.unit.sample_images import encoded, malicious_images, noise, with_repeated_scan

ORIENTATION = 0x0112
CORNERS = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 9, 9]] * 3], dtype=np.uint8))
REASONS = {
    "gif": "must be a readable JPEG, PNG or WebP file",
    "half a JPEG": "must not be damaged or truncated",
    "half a PNG": "must not be damaged or truncated",
    "900 million pixels": "must have at most 25000000 pixels",
    "a little over": "must have at most 25000000 pixels",
    "WebP of 268 million": "must have at most 25000000 pixels",
    "animated PNG": "must not be animated",
    "animated WebP": "must not be animated",
    "a thousand scans": "must have at most 50 scans",
    "too many bytes": f"must have at most {MAX_BYTES} bytes",
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_decodes_each_supported_format(kind: str) -> None:
    image = decode(encoded(noise(40, 30), kind, quality=95))
    assert (image.mode, image.size) == ("RGB", (40, 30))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_applies_the_exif_orientation(orientation: int) -> None:
    undo = [None, *(Image.Transpose(place) for place in (0, 3, 1, 5, 2, 6, 4))][orientation - 1]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = CORNERS if undo is None else CORNERS.transpose(undo)
    assert np.asarray(decode(encoded(stored, exif=exif))).tolist() == np.asarray(CORNERS).tolist()


def test_it_puts_transparent_pixels_on_white() -> None:
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
def test_it_converts_any_mode_to_rgb(image: Image.Image, colour: tuple[int, int, int]) -> None:
    assert decode(encoded(image)).getpixel((0, 0)) == colour


def test_it_decodes_the_first_image_of_a_phones_jpeg() -> None:
    raw = encoded(noise(32, 32), "MPO", save_all=True, append_images=[noise(32, 32, 1)])
    assert decode(raw).tobytes() == decode(encoded(noise(32, 32), "JPEG")).tobytes()


@pytest.mark.parametrize("name", malicious_images())
def test_it_rejects_a_malicious_image_with_a_reason(name: str) -> None:
    if name in {"narrow", "more pixels than said"}:
        decode(malicious_images()[name])  # harmless, or rejected by the preprocessing
        return
    with pytest.raises(InvalidImage) as caught:
        decode(malicious_images()[name])
    assert caught.value.error == REASONS.get(name, caught.value.error)


@pytest.mark.parametrize(
    ("raw", "scans"), [(encoded(noise(64, 64), "JPEG"), 1), (with_repeated_scan(0), 10), (with_repeated_scan(7), 17)]
)
def test_it_counts_the_scans_of_a_jpeg(raw: bytes, scans: int) -> None:
    assert count_scans(raw) == scans
    assert count_scans(raw + b"\xff\xda" * 100) == scans  # phones append data that is not part of the image
    within = b"\xff\xe5" + (2 + 4).to_bytes(2) + b"\xff\xda\xff\xda"
    assert count_scans(raw[:2] + within + raw[2:]) == scans
    assert count_scans(b"\x89PNG" + raw) == 0
