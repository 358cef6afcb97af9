"""Pictures that a decoder should refuse or read whole: bombs, polyglots, truncated and mutated files, and odd kinds."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, PngImagePlugin

LOCATION = b"37.5665N 126.9780E"


class Malformed(NamedTuple):
    """A file, and whether a good reader must refuse it or must read it; None if it may do either."""

    name: str
    data: bytes
    must_read: bool | None


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A synthetic picture with edges and gradients."""
    image = Image.linear_gradient("L").resize(size)
    image.paste(200, (10, 10, 40, 40))
    return Image.merge("RGB", (image, image.rotate(90), image.rotate(180))).convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file."""
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def png(width: int, height: int, body: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG file from parts, with right checksums."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def located() -> bytes:
    """A JPEG file with EXIF: turned by 90 degrees, and with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = LOCATION.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return saved(picture(), "JPEG", exif=exif.tobytes(), comment=LOCATION)


def cases(seed: int = 15) -> list[Malformed]:
    """About a thousand files, the same for the same seed."""
    good = list(_good())
    return [*good, *_bombs(), *_polyglots(good), *_markup(), *_mutations(good, random.Random(seed))]


def _good() -> Iterator[Malformed]:
    frames = [picture(size=(64, 64)).rotate(20 * turn) for turn in range(5)]
    animated = {"save_all": True, "append_images": frames[1:], "duration": 40}
    grey16 = Image.new("I;16", (64, 64))
    grey16.putdata([number * 16 for number in range(64 * 64)])
    makers: dict[str, Callable[[], bytes]] = {
        "jpeg": partial(saved, picture(), "JPEG"),
        "jpeg progressive": partial(saved, picture(), "JPEG", progressive=True),
        "jpeg grey": partial(saved, picture("L"), "JPEG"),
        "jpeg cmyk": partial(saved, picture("CMYK"), "JPEG"),
        "jpeg exif": located,
        "png": partial(saved, picture(), "PNG"),
        "png alpha": partial(saved, picture("RGBA"), "PNG"),
        "png grey alpha": partial(saved, picture("LA"), "PNG"),
        "png palette": partial(saved, picture("P"), "PNG", transparency=3),
        "png bit": partial(saved, picture("1"), "PNG"),
        "png 16 bit grey": partial(saved, grey16, "PNG"),
        "png 16 bit rgb": lambda: png(40, 40, zlib.compress((b"\0" + b"\x80\x01" * 120) * 40), depth=16),
        "png animated": partial(saved, frames[0], "PNG", **animated),
        "webp": partial(saved, picture(), "WEBP"),
        "webp lossless": partial(saved, picture("RGBA"), "WEBP", lossless=True),
        "webp animated": partial(saved, frames[0], "WEBP", **animated),
        "gif": partial(saved, picture("P"), "GIF"),
        "gif animated": partial(saved, frames[0], "GIF", **animated),
    }
    for name, make in makers.items():
        yield Malformed(name, make(), True)


def _bombs() -> Iterator[Malformed]:
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "0" * 900_000, zip=True)
    tiny = zlib.compress(b"\0" * 1000)
    profile = b"icc\0\0" + zlib.compress(b"\0" * 50_000_000, 9)
    jpeg = saved(picture(), "JPEG", progressive=True)
    scan = jpeg.index(b"\xff\xda")
    files = {
        "png 65535x65535": png(65535, 65535, tiny),
        "png 2^31": png(2**31 - 1, 2**31 - 1, tiny),
        "png 25000000x1": png(25_000_000, 1, tiny),
        "png 1x1": png(1, 1, zlib.compress(b"\0\0\0\0")),
        "png 0x0": png(0, 0, tiny),
        "gif 65535x65535": b"GIF89a" + b"\xff\xff\xff\xff\0\0\0" + b"," + b"\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
        "webp 16384x16384": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\x3f\0\xff\x3f\0" + b"\0" * 20,
        "webp 2^24": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff" + b"\0" * 20,
        "jpeg 65500x65500": jpeg.replace(b"\0\x40\0\x60", b"\xff\xdc\xff\xdc", 1),
        "jpeg of 5000 scans": jpeg[:scan] + jpeg[scan:-2] * 500 + jpeg[-2:],
        "png too large a file": saved(picture(), "PNG") + b"\0" * (11 * 1024 * 1024),
    }
    for name, data in files.items():
        yield Malformed(name, data, False)
    yield Malformed("png text", saved(picture(), "PNG", pnginfo=text), None)
    yield Malformed(
        "png profile", png(40, 40, zlib.compress((b"\0" + b"\x09" * 120) * 40), extra=chunk(b"iCCP", profile)), None
    )
    yield Malformed("png pixels too many", png(40, 40, zlib.compress(b"\0" * 90_000_000, 9)), None)


def _polyglots(good: list[Malformed]) -> Iterator[Malformed]:
    scripts = (
        b"<script>alert(1)</script>",
        b"<?php system($_GET[0]);",
        b"PK\x03\x04" + b"\0" * 30,
        b"%PDF-1.7\n",
        b"\x7fELF",
    )
    for case in good:
        for script in scripts:
            yield Malformed(f"{case.name} then {script[:8]!r}", case.data + script, None)
            yield Malformed(f"{script[:8]!r} then {case.name}", script + case.data, False)


def _markup() -> Iterator[Malformed]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    heads = (
        b"",
        b"\xef\xbb\xbf",
        b"\n\n  ",
        b'<?xml version="1.0"?>',
        b"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
    )
    for head in heads:
        yield Malformed("svg", head + svg, False)
    for name, data in {
        "nothing": b"",
        "text": b"a desk",
        "tiff": saved(picture(), "TIFF"),
        "bmp": saved(picture(), "BMP"),
        "eps": saved(picture(), "EPS"),
        "pdf": saved(picture(), "PDF"),
        "ico": saved(picture(), "ICO"),
        "jpeg head": b"\xff\xd8\xff",
        "png head": b"\x89PNG\r\n\x1a\n",
        "webp head": b"RIFF\0\0\0\0WEBP",
        "gif head": b"GIF89a",
    }.items():
        yield Malformed(name, data, False)


def _mutations(good: list[Malformed], dice: random.Random) -> Iterator[Malformed]:
    for case in good:
        for number in range(20):
            yield Malformed(f"{case.name} cut {number}", case.data[: dice.randrange(len(case.data))], None)
            yield Malformed(f"{case.name} flipped {number}", _flipped(case.data, dice), None)
            yield Malformed(f"{case.name} spliced {number}", _spliced(case.data, dice), None)


def _flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 12)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _spliced(data: bytes, dice: random.Random) -> bytes:
    first, second = sorted(dice.randrange(len(data)) for _ in range(2))
    return data[:second] + data[first:]
