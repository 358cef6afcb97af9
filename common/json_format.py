"""Formats JSON text for people. It formats tokens, not values, so numbers stay exactly as written."""

import json
import re
from collections.abc import Iterator

# A string's closing quote is optional, because the text may be truncated.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_ESCAPES = re.compile(r"((?:\\u[0-9a-fA-F]{4})+)|\\.", re.DOTALL)
_INDENT = "  "
_MAX_INDENTED = 32  # levels that are indented


def indented(text: str, max_length: int) -> tuple[str, bool]:
    """`text` with one line per member, about `max_length` characters at most; and whether that is all of it.

    Escapes of printable characters become the characters, as some clients escape all but ASCII. Characters that are not
    printable, or that change how others are displayed, become escapes.
    """
    pieces: list[str] = []
    size = 0
    for piece in _pieces(text):
        if size + len(piece) > max_length:
            return "".join(pieces), False
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces), True


def _pieces(text: str) -> Iterator[str]:
    depth, just_opened = 0, False
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part in "]}":
            depth -= 1
            yield part if just_opened else _line(depth) + part
            just_opened = False
            continue
        if just_opened:
            yield _line(depth)
        just_opened = part in "[{"
        depth += just_opened
        yield _shown(part)
        if part in ",:":
            yield _line(depth) if part == "," else " "


def _line(depth: int) -> str:
    return "\n" + _INDENT * min(depth, _MAX_INDENTED)


def _shown(part: str) -> str:
    shown = _ESCAPES.sub(lambda match: _unescaped(match[1]) if match[1] else match[0], part)
    return shown if shown.isprintable() else "".join(map(_printable, shown))


def _unescaped(escapes: str) -> str:
    return "".join(
        char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1]
        for char in json.loads(f'"{escapes}"')
    )


def _printable(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]
