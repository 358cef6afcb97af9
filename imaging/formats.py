"""Recognizes picture formats by their first bytes, and reads sizes from headers before any decoder runs.

A file name or a Content-Type is what somebody claims. The bytes decide.
"""

from collections.abc import Callable, Mapping
from typing import Final

_SCAN: Final = b"\xff\xda"  # in the compressed data of a JPEG, FF is never followed by DA

Size = tuple[int, int]


def sniff(raw: bytes) -> str:
    """The format's name as Pillow has it: JPEG, PNG, WEBP or GIF; blank for anything else."""
    if raw.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    return "WEBP" if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP" else ""


def looks_like_svg(raw: bytes) -> bool:
    """Whether the text is SVG or another markup. It is a program for a browser, not a picture."""
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")) or b"<svg" in head


def webp_size(raw: bytes) -> Size | None:
    """The canvas of a WebP file; None if its header is damaged. The decoder allocates it when it opens the file."""
    reader = _WEBP.get(raw[12:16])
    return reader(raw) if reader and len(raw) >= 30 else None


def scans(raw: bytes) -> int:
    """An upper bound of the scans of a JPEG file. A decoder goes over the whole picture once per scan."""
    return raw.count(_SCAN)


def _lossy(raw: bytes) -> Size | None:
    if raw[23:26] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(raw[26:28], "little") & 0x3FFF, int.from_bytes(raw[28:30], "little") & 0x3FFF


def _lossless(raw: bytes) -> Size | None:
    if raw[20] != 0x2F:
        return None
    bits = int.from_bytes(raw[21:25], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _extended(raw: bytes) -> Size:
    return int.from_bytes(raw[24:27], "little") + 1, int.from_bytes(raw[27:30], "little") + 1


_WEBP: Final[Mapping[bytes, Callable[[bytes], Size | None]]] = {
    b"VP8 ": _lossy,
    b"VP8L": _lossless,
    b"VP8X": _extended,
}
