"""From a file's bytes to an upright picture in red, green and blue."""

import warnings
from io import BytesIO
from threading import BoundedSemaphore

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ml_server.exceptions import BadImage
from ml_server.images.jpeg import count_scans

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 25_000_000
MOST_SCANS = 50  # a progressive JPEG has about ten
DECODED_AT_ONCE = 2  # of MAX_PIXELS each takes up to 430 MB
WHITE = (255, 255, 255, 255)

# Pillow warns of what is a little too large and raises for what is far too large: both are.
warnings.simplefilter("error", Image.DecompressionBombWarning)
_decoders = BoundedSemaphore(DECODED_AT_ONCE)


def decode(raw: bytes) -> Image.Image:
    """The picture, turned as its EXIF orientation says; what is transparent is laid on white.

    Raises:
        BadImage: another kind of file, damaged, truncated, animated, or over a bound. Bounds come before decoding.
    """
    if len(raw) > MAX_BYTES:
        raise BadImage(f"must be {MAX_BYTES} bytes or less")
    if count_scans(raw) > MOST_SCANS:
        raise BadImage(f"must have {MOST_SCANS} scans or less")
    with _decoders:
        try:
            return _opened(raw)
        except BadImage:
            raise
        except UnidentifiedImageError as exc:
            raise BadImage("is no JPEG, PNG or WebP file that can be read") from exc
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
            raise BadImage(f"must have {MAX_PIXELS} pixels or less") from exc
        except Exception as exc:  # Pillow has no one class for damaged files
            raise BadImage("is damaged or truncated") from exc


def _opened(raw: bytes) -> Image.Image:
    with Image.open(BytesIO(raw), formats=FORMATS) as image:
        _check(image)
        ImageOps.exif_transpose(image, in_place=True)
        return _in_colour(image)


def _check(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(f"must have {MAX_PIXELS} pixels or less")
    # A JPEG may carry a second picture, such as a phone's depth map; the first is the one that is meant.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise BadImage("must not be animated")


def _in_colour(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")
