"""Reads answers of models, which may have more around them than was asked for."""

import json
import re
from typing import Any

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)


def plain(text: str) -> str:
    """The answer without the model's thoughts; of several parts, the first in a fence."""
    text = _THOUGHTS.sub("", text).strip()
    fenced = _FENCED.search(text)
    return (fenced[1] if fenced else text).strip()


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in the answer. Raises `ValueError`."""
    text = plain(text)
    start = text.find("{")
    if start < 0:
        raise ValueError("it has no JSON object")
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        raise ValueError("it has JSON that can't be read") from None
    if not isinstance(value, dict):  # of a server, so it is an error of the value
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    return value


def line(text: str, most: int) -> str:
    """A text on one line, with at most so many characters."""
    short = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return short if len(short) <= most else f"{short[: most - 1]}…"
