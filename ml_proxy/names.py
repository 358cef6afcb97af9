"""People's names, in the one form in which they are kept and looked up."""

import unicodedata
from typing import Any

MAX_LENGTH = 100  # characters after trimming


class BadName(ValueError):
    """Not a name. Its message says what to do and never quotes the name."""


def canonical(value: Any) -> str:
    """`value` trimmed and in Unicode NFC, so that one name typed on two systems is one name. Raises `BadName`."""
    if type(value) is not str:  # a number is a str too, of its own class
        raise BadName("must be a string")
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise BadName("must not be blank")
    if len(name) > MAX_LENGTH:
        raise BadName(f"must have at most {MAX_LENGTH} characters")
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in name):
        raise BadName("must hold no NUL and no lone surrogate")
    return name
