"""Prompts are files, `name-version.txt`. A changed prompt is a new file, so that each record names the one it used."""

from functools import cache
from pathlib import Path
from typing import NamedTuple


class Prompt(NamedTuple):
    """A prompt's text, and its version for the record."""

    version: str
    text: str


@cache
def newest(name: str) -> Prompt:
    """The prompt with the highest version. Raises `LookupError` without any."""
    found = {int(path.stem.rpartition("-")[2]): path for path in Path(__file__).parent.glob(f"{name}-*.txt")}
    if not found:
        raise LookupError(f"there is no prompt {name}")
    path = found[max(found)]
    return Prompt(path.stem, path.read_text(encoding="utf-8").strip())
