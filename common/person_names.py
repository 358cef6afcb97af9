"""Person names, in the normalized form for storage and look-up."""

import re
import unicodedata
from typing import Any

MAX_LENGTH = 100  # characters after trimming

_UNUSABLE = re.compile("[\0\ud800-\udfff]")


class BadName(ValueError):
    """Not a valid name. The message has a fix and never quotes the name."""


def canonical(value: Any, max_length: int = MAX_LENGTH) -> str:
    """`value` trimmed and in Unicode NFC, so that one name typed on two systems is one name. Raises `BadName`."""
    if type(value) is not str:  # a parsed JSON number is a subclass of str
        raise BadName("must be a string")
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise BadName("must not be blank")
    if len(name) > max_length:
        raise BadName(f"must have at most {max_length} characters")
    if _UNUSABLE.search(name):
        raise BadName("must not contain NUL or a lone surrogate")
    return name


def exact(value: str) -> str:
    """`value` unchanged, because the model server defines the names of models. Raises `BadName`."""
    if "\0" in value:
        raise BadName("must not contain NUL")
    return value
