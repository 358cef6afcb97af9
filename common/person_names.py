"""Person names, in the normalized form for storage and look-up."""

import re
import unicodedata
from typing import Any

from django.utils.translation import gettext

MAX_LENGTH = 100  # characters after trimming
LONGEST_SPELLING = 4  # characters that one of NFC has in another form, at most

_UNUSABLE = re.compile("[\0\ud800-\udfff]")


class BadName(ValueError):
    """Not a valid name. The message has a fix and never quotes the name."""


def canonical(value: Any, max_length: int = MAX_LENGTH) -> str:
    """`value` trimmed and in Unicode NFC, so that one name typed on two systems is one name. Raises `BadName`."""
    if type(value) is not str:  # a parsed JSON number is a subclass of str
        raise BadName(gettext("must be a string"))
    spelling = value.strip()
    if not spelling:
        raise BadName(gettext("must not be blank"))
    is_long = len(spelling) > LONGEST_SPELLING * max_length  # first: see `common.normalization` for what long ones cost
    name = "" if is_long else unicodedata.normalize("NFC", spelling).strip()
    if is_long or len(name) > max_length:
        raise BadName(gettext("must have at most %(count)d characters") % {"count": max_length})
    if _UNUSABLE.search(name):
        raise BadName(gettext("must not contain NUL or a lone surrogate"))
    return name


def exact(value: str) -> str:
    """`value` unchanged, because the model server defines the names of models. Raises `BadName`."""
    if "\0" in value:
        raise BadName(gettext("must not contain NUL"))
    return value
