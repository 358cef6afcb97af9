"""RFC 8259 and nothing else, read once, with no number or escape given up.

Python's own scanner does the reading: numbers stay text (so that none is too large) and objects come as tuples of
pairs (so that a member given twice shows). NaN, Infinity, a byte-order mark and bytes that are not UTF-8 are refused,
as is nesting beyond `MAX_DEPTH`.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import orjson

MAX_DEPTH = 512  # levels; the outermost object or array is the first

# A value is None, a bool, a str, a Number, a list, or a tuple of (name, value) pairs for an object.
Value = Any


class Number(str):
    """A number, as it was written."""

    __slots__ = ()


class NotJSON(ValueError):
    """The text is not JSON, or nested too deep. Its message quotes nothing of the text."""


def parse(text: str) -> Value:
    """The value that `text` holds. Raises `NotJSON`."""
    if _too_deep(text):
        raise NotJSON(f"nested more than {MAX_DEPTH} levels deep")
    try:
        return _decoded(text)
    except json.JSONDecodeError as exc:
        raise NotJSON(f"{exc.msg} at line {exc.lineno}, column {exc.colno}") from None


def decode(raw: bytes) -> str:
    """The text of `raw`, which must be UTF-8. Raises `NotJSON`."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NotJSON(f"not UTF-8 at byte {exc.start}") from None


def glance(raw: bytes, *once: str) -> Any:
    """What a quick reader makes of `raw`, in Python's own types; what it takes, `parse` takes too.

    None where that may not be all: it refuses what no double or no UTF-8 holds, and would hide a second of the members
    `once`, which here can only be in `raw` once, at whatever level.
    """
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        return None
    if once and (b"\\" in raw or any(raw.count(b'"%b"' % name.encode()) != 1 for name in once)):
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def is_object(value: Value) -> bool:
    """Whether a parsed value was an object."""
    return isinstance(value, tuple)


def member(value: Value, name: str) -> Value:
    """The member `name` of an object (the last one, where it was given twice), else None."""
    return dict(value).get(name) if is_object(value) else None


def without(text: str, *names: str) -> str:
    """The text of a JSON object less its members `names`: the other members stay as they were written."""
    kept = [written for written in _members(text) if _name_of(written) not in names]
    return "{" + ",".join(kept) + "}"


def with_member(text: str, name: str, value: str) -> str:
    """The text of a JSON object with one more member in front, whose `value` is JSON text too."""
    rest = text.strip()[1:].lstrip()
    return f'{{"{name}":{value}{"" if rest == "}" else ","}{rest}'


def _refuse_constant(name: str) -> None:
    raise NotJSON(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)
# The closing quote is optional so that an endless string is passed over once, not once from each of its quotes.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{},]', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [1 if byte in b"[{" else -1 for byte in range(256)]


def _decoded(text: str) -> Value:
    try:
        return _DECODER.decode(text)
    except RecursionError:  # the caller's own stack leaves too little of the interpreter's limit; a new thread has all
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(_DECODER.decode, text).result()


def _too_deep(text: str) -> bool:
    """Whether the brackets outside strings nest too deep; most texts have too few to need a look."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub("", text).encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH


def _members(text: str) -> Iterator[str]:
    """Each member of the outermost object, `"name": value`, as it was written; `text` is JSON."""
    depth = begins = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in "{[":
            depth += 1
            begins = begins or found.end()
        elif mark in "}]":
            depth -= 1
        if (depth == 1 and mark == ",") or depth == 0:
            yield text[begins : found.start()]
            begins = found.end()


def _name_of(member: str) -> str | None:
    string = _MARK.search(member)
    return json.loads(string[0]) if string else None
