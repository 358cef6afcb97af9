"""A box around lines, and the room that lines take on a terminal."""

import math
import unicodedata
from collections.abc import Sequence

_WIDE = frozenset("WF")  # Unicode's classes of characters that take two columns, such as Hangul


def around(lines: Sequence[str]) -> list[str]:
    """The lines with a frame around them."""
    width = max(map(columns, lines), default=0)
    inside = [f"│ {line}{' ' * (width - columns(line))} │" for line in lines]
    return [f"╭{'─' * (width + 2)}╮", *inside, f"╰{'─' * (width + 2)}╯"]


def columns(text: str) -> int:
    """The columns that a text takes."""
    shown = (character for character in text if not unicodedata.combining(character))
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in shown)


def rows(line: str, width: int) -> int:
    """The rows that a line takes on a terminal of this width."""
    return max(1, math.ceil(columns(line) / width))
