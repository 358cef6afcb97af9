"""Decodes an image file into an upright RGB image."""

import warnings
from io import BytesIO
from threading import BoundedSemaphore

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ml_server.exceptions import InvalidImage
from ml_server.images.jpeg import count_scans

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 25_000_000
MAX_SCANS = 50  # a progressive JPEG has about ten
MAX_CONCURRENT_DECODES = 2  # each takes up to 430 MB for MAX_PIXELS
WHITE = (255, 255, 255, 255)

# Pillow only warns of an image slightly over its limit; here that is an error too.
warnings.simplefilter("error", Image.DecompressionBombWarning)
_decode_slots = BoundedSemaphore(MAX_CONCURRENT_DECODES)


def decode(raw: bytes) -> Image.Image:
    """Decodes an image, applies its EXIF orientation and puts transparent pixels on white.

    Raises:
        InvalidImage: another file format, damaged, truncated, animated, or over a limit. The limits are checked first.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidImage(f"must have at most {MAX_BYTES} bytes")
    if count_scans(raw) > MAX_SCANS:
        raise InvalidImage(f"must have at most {MAX_SCANS} scans")
    with _decode_slots:
        try:
            return _open(raw)
        except InvalidImage:
            raise
        except UnidentifiedImageError as exc:
            raise InvalidImage("must be a readable JPEG, PNG or WebP file") from exc
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
            raise InvalidImage(f"must have at most {MAX_PIXELS} pixels") from exc
        except Exception as exc:  # Pillow has no common class for damaged files
            raise InvalidImage("must not be damaged or truncated") from exc


def _open(raw: bytes) -> Image.Image:
    with Image.open(BytesIO(raw), formats=FORMATS) as image:
        _check(image)
        ImageOps.exif_transpose(image, in_place=True)
        return _to_rgb(image)


def _check(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise InvalidImage(f"must have at most {MAX_PIXELS} pixels")
    # A JPEG may hold a second image, such as a phone's depth map; only the first one is used.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise InvalidImage("must not be animated")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        background = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(background, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")
