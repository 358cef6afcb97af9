"""Sends rows as one file, streamed: an export of any size takes the memory of a page or two."""

import logging
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from common.access import CUT_OFF, FAILED, ExportTrail
from common.exceptions import BadInput, FieldError
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, SPREADSHEET, Form, chosen_form, form_name
from common.logs import current_request_id
from common.query_params import Readers, switch
from common.responses import NO_STORE
from common.schemas import sent_field
from common.stream_turns import Turn

log = logging.getLogger(__name__)

SWITCH_SCHEMA = {"type": "integer", "enum": [0, 1], "default": 0}
SEND_BYTES = 256 * 1024  # per chunk: the WSGI server queues several chunks for a slow reader, each a separate copy


def file_fields(forms: Mapping[str, Form] = FORMS) -> list[OpenApiParameter]:
    """The parameters of an export and its header field, for OpenAPI."""
    return [
        OpenApiParameter("format", {"type": "string", "enum": list(forms), "default": DEFAULT}),
        OpenApiParameter("bom", SWITCH_SCHEMA, description="CSV only: 1 begins with a byte order mark, for Excel."),
        OpenApiParameter(
            "safe_cells", SWITCH_SCHEMA, description="CSV only: 1 puts ' before texts that look like formulas."
        ),
        sent_field("Content-Disposition", "A file name that contains only the time of the export.", 200),
    ]


def file_answers(forms: Mapping[str, Form] = FORMS) -> dict[Any, Any]:
    """The answers of an export, for OpenAPI."""
    return {
        **{(200, form.media_type.partition(";")[0]): OpenApiTypes.BINARY for form in forms.values()},
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


def take_form(query: dict[str, Any], forms: Mapping[str, Form] = FORMS) -> Form:
    """Removes the values of `FORM_READERS` from a query; returns the form that they choose. Raises `BadInput`."""
    name = query.pop("format", DEFAULT)
    options = {option: query.pop(option, False) for option in SPREADSHEET}
    try:
        return chosen_form(name, forms, **options)
    except ValueError as exc:
        wrong = [FieldError(option, str(exc)) for option, value in options.items() if value]
        raise BadInput("The query can't be used; nothing was looked up.", field_errors=wrong) from None


def attachment(
    request: HttpRequest | Request,
    stem: str,
    form: Form,
    export: Callable[[], Iterator[Piece]],
    *,
    action: str,
    filters: Mapping[str, Any],
) -> StreamingHttpResponse:
    """Returns the file from `export` as a response, noted in the access log as `action`.

    A HEAD gets only the header fields, without database queries. Raises `TooManyExports` or `Busy`.
    """
    if request.method == "HEAD":
        body: Iterable[bytes] = ()
    else:
        body = _Body(export(), Turn(request), ExportTrail(request, action, filters))
    filename = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.suffix}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(body, content_type=form.media_type, headers=headers)


class _Body:
    """The chunks of a file. The server calls `close` at the end, and also if the reader left.

    The first piece is built at once, so an early error is an error response. Only `close` notes that a reader left:
    what runs when garbage is collected may run anywhere, even inside the journal.
    """

    def __init__(self, pieces: Iterator[Piece], turn: Turn, trail: ExportTrail) -> None:
        self._end_turn = weakref.finalize(self, turn.end)  # also if nobody closes the response
        self._trail, self._request_id = trail, current_request_id.get()
        try:
            first = next(pieces)
            trail.begin()
            trail.add(first.rows, first.subjects)
        except BaseException:
            self._end_turn()
            raise
        noted = _noted(pieces, trail)
        self._chunks = chain(_cut(first.data), chain.from_iterable(_cut(piece.data) for piece in noted))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next chunk. Raises `ExportAborted`: the response has begun, so any error must close the connection."""
        try:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._trail.end()
        except Exception as exc:  # noqa: BLE001 - whatever it is
            self._abort(exc)
            raise ExportAborted from None
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Ends the export, and notes that the reader left, unless the file has ended."""
        try:
            self._trail.break_off(CUT_OFF)
        finally:
            self._end_turn()

    def _abort(self, exc: Exception) -> None:
        self._trail.break_off(FAILED)
        token = current_request_id.set(self._request_id)  # the middleware has already reset it
        log.error("an export was aborted (%s)", type(exc).__name__)
        current_request_id.reset(token)


def _noted(pieces: Iterator[Piece], trail: ExportTrail) -> Iterator[Piece]:
    """Notes people before the part with them leaves."""
    for piece in pieces:
        trail.add(piece.rows, piece.subjects)
        yield piece


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[start : start + SEND_BYTES] for start in range(0, len(data), SEND_BYTES))
