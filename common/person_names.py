"""People's names, in the one form in which they are kept and looked up."""

import re
import unicodedata
from typing import Any

MAX_LENGTH = 100  # characters after trimming

_UNUSABLE = re.compile("[\0\ud800-\udfff]")


class BadName(ValueError):
    """Not a name. Its message says what to do and never quotes the name."""


def canonical(value: Any, most: int = MAX_LENGTH) -> str:
    """`value` trimmed and in Unicode NFC, so that one name typed on two systems is one name. Raises `BadName`."""
    if type(value) is not str:  # a number is a str too, of its own class
        raise BadName("must be a string")
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise BadName("must not be blank")
    if len(name) > most:
        raise BadName(f"must have at most {most} characters")
    if _UNUSABLE.search(name):
        raise BadName("must hold no NUL and no lone surrogate")
    return name


def exact(value: str) -> str:
    """`value` to be looked up as it is: a model's name is its own server's. Raises `BadName`."""
    if "\0" in value:
        raise BadName("must hold no NUL")
    return value
