"""Searches files for texts in the spellings that programs use: a text that must be encrypted is in none of them."""

import base64
import json
import mmap
import random
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG
from uuid import uuid4


def marker() -> str:
    """A text that occurs nowhere else."""
    return f"MARKER{uuid4().hex[:16]}"


def korean_marker() -> str:
    """Six random syllables; that they occur elsewhere is as good as impossible."""
    return "".join(chr(random.randrange(0xAC00, 0xD7A4)) for _ in range(6))


def spellings(text: str) -> set[bytes]:
    """In UTF-8, UTF-16, escaped in JSON, in hex, and in base64 at every offset, once and twice as in Redis."""
    raw = text.encode()
    escaped = json.dumps(text)[1:-1].encode()
    plain = {raw, text.encode("utf-16-le"), text.encode("utf-16-be"), escaped, escaped.upper().replace(b"\\U", b"\\u")}
    once = {coded for text in (raw, escaped) for coded in _in_base64(text)}
    return plain | once | {raw.hex().encode()} | {twice for coded in once for twice in _in_base64(coded)}


def _in_base64(raw: bytes) -> Iterable[bytes]:
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        whole = coded[4 * (shift > 0) : -4].rstrip(b"=")  # the groups that `raw` alone determines
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def files_with(folders: Iterable[Path], texts: Iterable[str], *, since: float = 0) -> list[Path]:
    """The files under `folders`, written `since` then (seconds since 1970), that contain any of the texts."""
    wanted = {spelling for text in texts for spelling in spellings(text)}
    paths = (path for folder in folders for path in folder.rglob("*"))
    return sorted(path for path in paths if _contains(path, wanted, since))


def _contains(path: Path, wanted: set[bytes], since: float) -> bool:
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode) or not found.st_size or found.st_mtime < since:
            return False
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(spelling) >= 0 for spelling in wanted)
    except FileNotFoundError:  # a server that runs replaces its files
        return False
