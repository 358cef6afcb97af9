"""Query strings of lists: parsing and validation, and the link to the next page."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from django.http import HttpRequest
from django.utils.translation import gettext
from rest_framework.request import Request

from common.exceptions import BadInput, FieldError
from common.paging import MAX_ROWS
from common.timestamps import moment

MAX_CURSOR = 200  # characters
LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": 100}

# By a parameter's name: the field that it sets, and its reader, which raises `ValueError` with a fix.
Readers = Mapping[str, tuple[str, Callable[[str], Any]]]
SPAN: Readers = {"since": ("since", moment), "until": ("until", moment)}


def read_query(request: HttpRequest | Request, readers: Readers) -> dict[str, Any]:
    """The fields that the query sets; blank parameters are ignored.

    Raises `BadInput` with all errors.
    """
    _require_utf8(request.META.get("QUERY_STRING", ""))
    field_errors: list[FieldError] = []
    found: dict[str, Any] = {}
    for name, values in request.GET.lists():
        try:
            found |= _read(name, values, readers)
        except ValueError as exc:
            field_errors.append(FieldError(name[:100], str(exc)))
    if field_errors:
        raise BadInput("The query can't be used; nothing was looked up.", field_errors=field_errors)
    return found


def refuse_parameters(request: HttpRequest | Request) -> None:
    """Raises `BadInput` for any parameter, because a misspelt one must not be ignored."""
    if request.GET:
        field_errors = [FieldError(name[:100], "is unknown here") for name in request.GET]
        raise BadInput("This path takes no parameter.", field_errors=field_errors)


def limit(value: str) -> int:
    """Reads the maximum number of rows of a page."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_ROWS and len(value) <= 9):
        raise ValueError(f"must be a whole number from 1 to {MAX_ROWS}")
    return int(value)


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """A reader for one of `choices`."""

    def read(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value.strip()

    return read


def switch(value: str) -> bool:
    """Reads 0 or 1."""
    return one_of(("0", "1"))(value) == "1"


def cursor(place_of: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader for a cursor; `place_of` raises `ValueError` if it is invalid."""

    def read(value: str) -> Any:
        try:
            return place_of(value[:MAX_CURSOR])
        except ValueError:
            raise ValueError(gettext("must be taken from a Link field of this path")) from None

    return read


def next_link(request: HttpRequest | Request, cursor: str) -> str:
    """The Link header field for the page after `cursor`."""
    parameters = {name: value for name, value in request.GET.items() if name != "cursor"}
    url = request.build_absolute_uri(f"{request.path}?{urlencode(parameters | {'cursor': cursor})}")
    return f'<{url}>; rel="next"'


def _require_utf8(query: str) -> None:
    """Refuses other encodings: Django would insert replacement characters, and a name would match no row."""
    for pair in query.encode("latin-1").split(b"&"):  # WSGI carries bytes as Latin-1
        try:
            unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            name = pair.partition(b"=")[0].decode("ascii", "replace")[:100]
            raise BadInput(
                "The query can't be read.", field_errors=[FieldError(name, gettext("must be percent-encoded UTF-8"))]
            ) from None


def _read(name: str, values: list[str], readers: Readers) -> dict[str, Any]:
    if name not in readers:
        text = gettext("is no parameter of this path; it takes %(names)s")
        raise ValueError(text % {"names": ", ".join(readers)})
    if len(values) != 1:
        raise ValueError(gettext("must be given once"))
    if not values[0].strip():
        return {}
    field, read = readers[name]
    return {field: read(values[0])}
