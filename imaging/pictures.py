"""Reads a caller's picture: checks it, decodes it, and encodes its pixels anew.

What goes on from here is a JPEG file of this gateway's own: without EXIF, location, comments, profiles, thumbnails,
further frames, or whatever else the caller's file contained. Pillow is loaded with the first picture.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings

from common.exceptions import FieldError
from imaging import formats
from imaging.exceptions import PictureRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

MIN_SIDE = 32  # pixels
MAX_ASPECT_RATIO = 20  # models enlarge the shorter side, and the longer one with it
MAX_SIDE = 2048  # pixels of the encoded picture
DRAFT_SIDE = 1792  # pixels: a camera's 4,032 are decoded at half of their size, which takes a third of the time
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 300_000_000  # scans of a JPEG times its pixels: a bound on time
CONCURRENT_DECODES = 2  # in a process; each takes up to 210 MB
QUALITY = 92
WHITE = (255, 255, 255, 255)
CONTENT_TYPE = "image/jpeg"

_ORIENTATION = 0x0112
# Threads of their own: the allocator keeps freed memory for each thread that ever decoded, and callers have many.
_decoders = ThreadPoolExecutor(CONCURRENT_DECODES, thread_name_prefix="picture")


class _Unusable(Exception):
    """Why a file can't be used; begins with a verb."""


@dataclass(frozen=True)
class Picture:
    """A picture that this gateway encoded: a JPEG file in RGB, upright, of at most `MAX_SIDE` pixels a side."""

    data: bytes
    width: int
    height: int
    original_format: str

    @cached_property
    def image(self) -> Image:
        """The decoded pixels."""
        return opened(self.data)


def read(raw: bytes, pointer: str = "") -> Picture:
    """Checks and encodes a caller's file; `pointer` is its place in the request, for errors.

    Of an animation, the first frame counts. Raises `PictureRefused`. The limits are checked before a decoder runs.
    """
    with _refusals(pointer):
        kind = _checked(raw)
        return _decoders.submit(lambda: encoded(_decoded(raw, kind), kind)).result()


def check(raw: bytes, pointer: str = "") -> None:
    """Checks what a caller's file says of itself, in about a millisecond; its pixels may still be damaged.

    Raises `PictureRefused`.
    """
    with _refusals(pointer):
        kind = _checked(raw)
        if kind != "WEBP":  # Pillow allocates the canvas of one that it opens, and its size is known
            with _opened(raw, kind):
                pass


def encoded(image: Image, original_format: str) -> Picture:
    """An RGB image as a picture."""
    image.info.clear()  # Pillow would write a comment that it has read
    target = BytesIO()
    image.save(target, "JPEG", quality=QUALITY)
    return Picture(target.getvalue(), image.width, image.height, original_format)


def opened(data: bytes) -> Image:
    """The RGB pixels of a file that this gateway encoded."""
    from PIL import Image  # noqa: PLC0415

    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return image.convert("RGB")


def _checked(raw: bytes) -> str:
    """The file's format. Raises `_Unusable`."""
    if len(raw) > settings.IMAGE_MAX_BYTES:
        raise _Unusable(f"must have at most {settings.IMAGE_MAX_BYTES} bytes (IMAGE_MAX_BYTES)")
    kind = formats.sniff(raw)
    if not kind:
        is_markup = formats.looks_like_svg(raw)
        hint = "SVG and other markup are refused: export it as PNG" if is_markup else "other formats are refused"
        raise _Unusable(f"must be a JPEG, PNG, WebP or GIF file; {hint}")
    if kind == "WEBP":
        _check_size(*(formats.webp_size(raw) or (0, 0)))
    return kind


@contextmanager
def _refusals(pointer: str) -> Iterator[None]:
    try:
        yield
    except _Unusable as exc:
        detail = str(exc)
        raise PictureRefused(f"The picture {detail}.", field_errors=[FieldError(pointer, detail)]) from None


def _decoded(raw: bytes, kind: str) -> Image:
    with _opened(raw, kind) as image:
        _check_scans(raw, kind, image.width * image.height)
        return _upright(image)


@contextmanager
def _opened(raw: bytes, kind: str) -> Iterator[Image]:
    """A file whose header was read and checked; errors of the block count as damage. Raises `_Unusable`."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(BytesIO(raw), formats=[kind]) as image:
            _check_size(*image.size)
            yield image
    except _Unusable:
        raise
    except UnidentifiedImageError:
        raise _Unusable(f"can't be read: its header is not that of a {kind} file") from None
    except Image.DecompressionBombError:
        raise _Unusable(f"must have at most {settings.IMAGE_MAX_PIXELS} pixels (IMAGE_MAX_PIXELS)") from None
    except Exception:  # noqa: BLE001 - Pillow has no common class for damaged files
        raise _Unusable("is damaged or truncated: export it anew") from None


def _check_size(width: int, height: int) -> None:
    if width * height > settings.IMAGE_MAX_PIXELS:
        raise _Unusable(f"must have at most {settings.IMAGE_MAX_PIXELS} pixels (IMAGE_MAX_PIXELS)")
    if min(width, height) < MIN_SIDE:
        raise _Unusable(f"must have at least {MIN_SIDE} pixels a side")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise _Unusable(f"must not be more than {MAX_ASPECT_RATIO} times as long as wide")


def _check_scans(raw: bytes, kind: str, pixels: int) -> None:
    count = formats.scans(raw) if kind == "JPEG" else 1
    if count > MAX_SCANS or count * pixels > MAX_SCANNED_PIXELS:
        raise _Unusable("is a JPEG file with too many scans: save it again with fewer")


def _upright(image: Image) -> Image:
    """RGB pixels, at most `MAX_SIDE` a side, turned as the file's EXIF says."""
    transpose = _transposition(image)
    part = max(1, max(image.size) // DRAFT_SIDE)
    image.draft("RGB", (image.width // part, image.height // part))  # a large JPEG is decoded at a fraction of its size
    image.load()
    _check_size(*image.size)  # a GIF's first frame may be larger than its header says
    found = _rgb(image)
    return found if transpose is None else found.transpose(transpose)


def _transposition(image: Image) -> Any:
    """How to turn the picture; None if it is upright, or if its EXIF is damaged, as in many good pictures."""
    from PIL.Image import Transpose  # noqa: PLC0415

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        return turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - Pillow raises whatever its parser stumbles over
        return None


def _rgb(image: Image) -> Image:
    """RGB pixels, at most `MAX_SIDE` a side. Transparent ones become white.

    It makes the picture smaller before anything else: each full copy of a large one takes 100 MB.
    """
    from PIL import Image as images  # noqa: N813, PLC0415

    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    small = image if image.mode == mode else image.convert(mode)
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    if mode == "RGBA":
        small = images.alpha_composite(images.new("RGBA", small.size, WHITE), small)
    return small.convert("RGB")
