"""Images for tests, valid and malicious ones."""

import base64
import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def multipart(fields: dict[str, str], image: bytes) -> bytes:
    """A form as a browser sends it; its boundary is `b`."""
    part = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    texts = [part % (name.encode(), b"", value.encode()) for name, value in fields.items()]
    return b"".join([*texts, part % (b"image", b'; filename="x.png"', image), b"--b--\r\n"])


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, rows: bytes = b"") -> bytes:
    """A PNG with any size, pixels and chunks, also inconsistent ones."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows or bytes((width + 1) * height)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")


def webp(width: int, height: int) -> bytes:
    """The start of a lossless WebP file: its size, and almost no pixel data."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + b"\x88\x88\x08" + bytes(8)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_repeated_scan(times: int) -> bytes:
    """A progressive JPEG whose last scan is repeated `times` times."""
    raw = encoded(noise(64, 64), "JPEG", progressive=True)
    last = raw[raw.rindex(b"\xff\xda") : -2]
    return raw[:-2] + last * times + raw[-2:]


def animated(kind: str) -> bytes:
    frames = [noise(16, 16, seed) for seed in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


@cache
def malicious_images() -> dict[str, bytes]:
    """Files that attack decoders, or that are not supported, by name."""
    valid, jpeg = encoded(noise(32, 32)), encoded(noise(32, 32), "JPEG")
    full = zlib.compress(bytes(50_000_000))
    return {
        "nothing": b"",
        "text": b"not an image",
        "html": b"<html><script>alert(1)</script>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "zip": b"PK\x03\x04" + bytes(100),
        "pdf": b"%PDF-1.7\n" + bytes(100),
        "gif": encoded(noise(8, 8), "GIF"),
        "bmp": encoded(noise(8, 8), "BMP"),
        "tiff": encoded(noise(8, 8), "TIFF"),
        "ico": encoded(noise(16, 16), "ICO"),
        "ppm": encoded(noise(8, 8), "PPM"),
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        "signature alone": valid[:8],
        "half a PNG": valid[: len(valid) // 2],
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "half a WebP": encoded(noise(32, 32), "WEBP")[:60],
        "JPEG without an end": jpeg[:-40],
        "two to the 62 pixels": png(2**31 - 1, 2**31 - 1, rows=bytes(1000)),
        "900 million pixels": png(30_000, 30_000, rows=bytes(1000)),
        "a little over": png(5001, 5000, rows=bytes(1000)),
        "no pixels": png(0, 0, rows=bytes(1)),
        "fewer pixels than said": png(4000, 4000, rows=bytes(1000)),
        "more pixels than said": png(8, 8, rows=bytes(50_000_000))[:-12],
        "WebP of 268 million": webp(16383, 16383),
        "narrow": png(60_000, 8),
        "zTXt decompression bomb": png(8, 8, *[chunk(b"zTXt", b"k\0\0" + full)] * 20),
        "iCCP decompression bomb": png(8, 8, chunk(b"iCCP", b"k\0\0" + full)),
        "oversized EXIF": png(8, 8, chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + bytes(60_000))),
        "animated PNG": animated("PNG"),
        "animated WebP": animated("WEBP"),
        "a thousand scans": with_repeated_scan(1000),
        "too many bytes": jpeg + bytes(10 * 1024 * 1024),
    }
