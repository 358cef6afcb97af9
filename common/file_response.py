"""Sends rows as one file, streamed: an export of any size takes the memory of a page or two."""

import logging
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from common.exceptions import BadInput, FieldError
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, SPREADSHEET, Form, chosen_form, form_name
from common.export_turns import Turn
from common.logs import current_request_id
from common.query_params import Readers, switch
from common.responses import NO_STORE
from common.schemas import sent_field

log = logging.getLogger(__name__)

SWITCH_SCHEMA = {"type": "integer", "enum": [0, 1], "default": 0}
SEND_BYTES = 256 * 1024  # per chunk: the WSGI server queues several chunks for a slow reader, each a separate copy
FILE_FIELDS = (
    OpenApiParameter("format", {"type": "string", "enum": list(FORMS), "default": DEFAULT}),
    OpenApiParameter("bom", SWITCH_SCHEMA, description="CSV only: 1 begins with a byte order mark, for Excel."),
    OpenApiParameter(
        "safe_cells", SWITCH_SCHEMA, description="CSV only: 1 puts ' before texts that look like formulas."
    ),
    sent_field("Content-Disposition", "A file name that contains only the time of the export.", 200),
)
FILE_ANSWERS: dict[Any, Any] = {
    **{(200, form.media_type.partition(";")[0]): OpenApiTypes.BINARY for form in FORMS.values()},
    429: OpenApiResponse(description="The caller's other exports have not ended; see Retry-After."),
}


# The parameters that choose the form of a file; `take_form` takes their values.
FORM_READERS: Readers = {
    "format": ("format", form_name),
    "bom": ("bom", switch),
    "safe_cells": ("safe_cells", switch),
}


class ExportAborted(Exception):
    """Makes the server close the connection. The server prints the text, so it must not describe the cause."""


def take_form(query: dict[str, Any]) -> Form:
    """Removes the values of `FORM_READERS` from a query; returns the form that they choose. Raises `BadInput`."""
    name = query.pop("format", DEFAULT)
    options = {option: query.pop(option, False) for option in SPREADSHEET}
    try:
        return chosen_form(name, **options)
    except ValueError as exc:
        wrong = [FieldError(option, str(exc)) for option, value in options.items() if value]
        raise BadInput("The query can't be used; nothing was looked up.", field_errors=wrong) from None


def attachment(
    request: HttpRequest | Request, stem: str, form: Form, export: Callable[[], Iterator[Piece]]
) -> StreamingHttpResponse:
    """Returns the file from `export` as a response. A HEAD gets only the header fields, without database queries.

    Raises `TooManyExports` or `Busy`.
    """
    body = () if request.method == "HEAD" else _Body(export(), Turn(request))
    filename = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.suffix}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(body, content_type=form.media_type, headers=headers)


class _Body:
    """The body of the response. It builds the first piece at once, so an early error is an error response."""

    def __init__(self, pieces: Iterator[Piece], turn: Turn) -> None:
        self._end_turn = weakref.finalize(self, turn.end)  # also if nobody closes the response
        try:
            self._chunks = _chunks(chain([next(pieces)], pieces), current_request_id.get())
        except BaseException:
            self._end_turn()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Ends the export; called when the response is closed."""
        self._chunks.close()
        self._end_turn()


def _chunks(pieces: Iterable[Piece], request_id: str) -> Generator[bytes, None, None]:
    try:
        for data, _ in pieces:
            for start in range(0, len(data), SEND_BYTES):
                yield data[start : start + SEND_BYTES]
    except Exception as exc:  # noqa: BLE001 - the response has begun, so any error must close the connection
        token = current_request_id.set(request_id)  # the middleware has already reset it
        log.error("an export was aborted (%s)", type(exc).__name__)
        current_request_id.reset(token)
        raise ExportAborted from None
