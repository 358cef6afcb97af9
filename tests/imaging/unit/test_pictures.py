"""Callers' pictures are refused or read whole, and what goes on has nothing of them but pixels."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

from imaging import pictures
from imaging.exceptions import PictureRefused
from imaging.pictures import Picture
from tests.support import malformed_pictures as malformed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged EXIF, which is ignored

ROOT = Path(__file__).parents[3]
CASES = malformed.cases()
LARGEST_MIB = 560  # of the whole process, Pillow and Django included, with two pictures of 25 megapixels


def test_there_are_a_thousand_cases() -> None:
    assert len(CASES) >= 1000


@pytest.mark.parametrize("part", range(8))
def test_each_file_is_refused_or_read_whole(part: int) -> None:
    for case in CASES[part::8]:
        read, is_checked = _read(case.data), _is_checked(case.data)
        assert is_checked or read is None, case.name
        assert case.must_read is None or case.must_read == (read is not None), case.name
        if read is not None:
            _assert_clean(read, case.name)


def test_exif_and_location_are_gone_and_the_picture_is_upright() -> None:
    raw = malformed.located()
    assert malformed.LOCATION in raw
    read = pictures.read(raw)
    assert malformed.LOCATION not in read.data
    assert (read.width, read.height) == (64, 96)  # it was 96 by 64, turned
    with Image.open(BytesIO(read.data)) as image:
        assert not image.getexif()
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_damaged_exif_does_not_refuse_a_good_picture() -> None:
    raw = malformed.saved(malformed.picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pictures.read(raw).width == 96


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    grey = Image.new("I;16", (64, 64), 0x8000)
    assert _pixel(malformed.saved(grey, "PNG")) == pytest.approx((128, 128, 128), abs=2)


def test_transparent_pixels_become_white() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    assert _pixel(malformed.saved(clear, "PNG")) == pytest.approx((255, 255, 255), abs=2)


def test_cmyk_keeps_its_colours() -> None:
    red = Image.new("RGB", (64, 64), (200, 30, 30)).convert("CMYK")
    assert _pixel(malformed.saved(red, "JPEG", quality=95)) == pytest.approx((200, 30, 30), abs=8)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("lime", "red", "blue")]
    for kind in ("GIF", "PNG", "WEBP"):
        raw = malformed.saved(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert _pixel(raw) == pytest.approx((0, 255, 0), abs=4), kind


def test_a_large_picture_is_made_smaller() -> None:
    read = pictures.read(malformed.saved(Image.new("RGB", (5000, 2500), "navy"), "JPEG"))
    assert (read.width, read.height) == (2048, 1024)


def test_the_limits_are_settings(settings: Settings) -> None:
    raw = malformed.saved(malformed.picture(), "PNG")
    settings.IMAGE_MAX_PIXELS = 96 * 64 - 1
    with pytest.raises(PictureRefused, match="IMAGE_MAX_PIXELS"):
        pictures.read(raw)
    settings.IMAGE_MAX_BYTES = len(raw) - 1
    with pytest.raises(PictureRefused, match="IMAGE_MAX_BYTES"):
        pictures.read(raw)


def test_svg_is_refused_with_what_to_do() -> None:
    with pytest.raises(PictureRefused, match="export it as PNG"):
        pictures.read(b"<svg></svg>")


def test_memory_is_bounded() -> None:
    """A process of its own, because memory once used stays in a process' high-water mark."""
    done = subprocess.run(
        [sys.executable, "-c", _LARGEST], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) < LARGEST_MIB


def _read(raw: bytes) -> Picture | None:
    try:
        return pictures.read(raw)
    except PictureRefused:
        return None


def _is_checked(raw: bytes) -> bool:
    """Whether the file may become a job."""
    try:
        pictures.check(raw)
    except PictureRefused:
        return False
    return True


def _assert_clean(read: Picture, name: str) -> None:
    assert max(read.width, read.height) <= pictures.MAX_SIDE, name
    with Image.open(BytesIO(read.data)) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (read.width, read.height)), name
    assert b"<script" not in read.data, name
    assert b"<?php" not in read.data, name


def _pixel(raw: bytes) -> tuple[int, ...]:
    found = pictures.read(raw).image.getpixel((32, 32))
    assert isinstance(found, tuple)
    return tuple(map(int, found))


_LARGEST = """
import os, sys
os.environ |= {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "backend.settings"}
import threading, zlib
from tests.support.malformed_pictures import png
from imaging import pictures
body = zlib.compress(b"\\0" * (5000 * 4 + 1) * 5000, 1)
raw = png(5000, 5000, body, colour=6)
readers = [threading.Thread(target=pictures.read, args=(raw,)) for _ in range(4)]
[reader.start() for reader in readers]
[reader.join() for reader in readers]
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]  # ru_maxrss counts the parent's too
print(int(peak.split()[1]) // 1024)
"""
