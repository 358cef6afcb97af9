"""A strict JSON parser (RFC 8259) that keeps numbers as written.

It uses Python's own scanner. Numbers stay text, so none is too large. Objects become tuples of pairs, so repeated
members are visible. It refuses NaN, Infinity, a byte-order mark, invalid UTF-8 and nesting deeper than `MAX_DEPTH`.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, TypeVar

import msgspec
import orjson

T = TypeVar("T")

MAX_DEPTH = 512  # levels; the outermost object or array is the first

# A value is None, a bool, a str, a Number, a list, or a tuple of (name, value) pairs for an object.
Value = Any


class Number(str):
    """A number as written."""

    __slots__ = ()


class NotJSON(ValueError):
    """The text is not JSON, or nested too deep. The message quotes no part of the text."""


def parse(text: str) -> Value:
    """The value of a JSON text. Raises `NotJSON`."""
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


def parse_fast(raw: bytes, *once: str) -> Any:
    """The value of `raw` in Python's own types, by a fast parser; `parse` accepts all that this accepts.

    None if `raw` needs `parse`: the fast parser refuses some valid numbers and escapes, and hides repeated members. So
    each name in `once` must occur exactly once in `raw`, at any level.
    """
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        return None
    if once and (b"\\" in raw or any(raw.count(b'"%b"' % name.encode()) != 1 for name in once)):
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def parse_members(raw: bytes, members: msgspec.json.Decoder[T], *once: str) -> T | None:
    """The `members` of an object: all else is checked, but not built. `parse` accepts all that this accepts.

    None if `raw` needs `parse`. As in `parse_fast`, each name in `once` must occur exactly once in `raw`. Names have
    small letters and underscores only, so an escape that hides one is recognized by its number.
    """
    if _ESCAPED_LETTER.search(raw) or any(raw.count(b'"%b"' % name.encode()) != 1 for name in once):
        return None
    try:
        return None if _too_deep(raw.decode()) else members.decode(raw)  # msgspec checks no UTF-8 in what it skips
    except (UnicodeDecodeError, msgspec.DecodeError):
        return None


def is_object(value: Value) -> bool:
    """Whether a parsed value was an object."""
    return isinstance(value, tuple)


def member(value: Value, name: str) -> Value:
    """The member `name` of an object, the last one if it is repeated; None if there is none."""
    return dict(value).get(name) if is_object(value) else None


def without(text: str, *names: str) -> str:
    """The text of a JSON object without its members `names`; the others stay as written."""
    kept = [written for written in _members(text) if _name_of(written) not in names]
    return "{" + ",".join(kept) + "}"


def with_member(text: str, name: str, value: str) -> str:
    """The text of a JSON object with one more member at the front; `value` is JSON text."""
    rest = text.strip()[1:].lstrip()
    return f'{{"{name}":{value}{"" if rest == "}" else ","}{rest}'


def _refuse_constant(name: str) -> None:
    raise NotJSON(f"{name} is not JSON")


def _number(text: str) -> Number:
    """A number. A function, because other threads get their turn between its calls: a large body has millions."""
    return Number(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant
)
_ESCAPED_LETTER = re.compile(rb"\\u00[5-7]")  # U+005F is the underscore, U+0061 to U+007A are small letters
# The closing quote is optional, so an unterminated string is scanned only once.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{},]', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = [1 if byte in b"[{" else -1 for byte in range(256)]


def _decoded(text: str) -> Value:
    try:
        return _DECODER.decode(text)
    except RecursionError:  # the caller's stack is too deep already; a new thread has the whole limit
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(_DECODER.decode, text).result()


def _too_deep(text: str) -> bool:
    """Whether brackets outside strings nest too deep. Most texts have too few brackets to need the full check."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub("", text).encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH


def _members(text: str) -> Iterator[str]:
    """Each member of the outermost object, `"name": value`, as written; `text` is JSON."""
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
