"""Sends rows as one file, streamed: an export of any size takes the memory of a page or two."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common.access import CUT_OFF, FAILED, ExportTrail
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, Form
from common.logs import current_request_id
from common.responses import NO_STORE
from common.schemas import sent_field

log = logging.getLogger(__name__)

SEND_BYTES = 256 * 1024  # per chunk: the WSGI server queues several chunks for a slow reader, each a separate copy
FILE_FIELDS = (
    OpenApiParameter("format", {"type": "string", "enum": list(FORMS), "default": DEFAULT}),
    sent_field("Content-Disposition", "A file name that contains only the time of the export.", 200),
)
FILE_ANSWERS = {(200, form.media_type.partition(";")[0]): OpenApiTypes.BINARY for form in FORMS.values()}


class ExportAborted(Exception):
    """Makes the server close the connection. The server prints the text, so it must not describe the cause."""


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

    A HEAD gets only the header fields, without database queries.
    """
    body = () if request.method == "HEAD" else _body(export(), ExportTrail(request, action, filters))
    filename = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.suffix}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(body, content_type=form.media_type, headers=headers)


def _body(pieces: Iterator[Piece], trail: ExportTrail) -> Iterator[bytes]:
    """Returns the body. Builds the first piece before the status is sent, so an early error is an error response."""
    first = next(pieces)
    trail.begin()
    trail.add(first.rows, first.subjects)
    return _Body(first, pieces, trail)


class _Body:
    """The chunks of a file. The server calls `close` at the end, and also if the reader left.

    A generator would note the end when it is collected as garbage. That may happen anywhere, even inside the journal.
    """

    def __init__(self, first: Piece, rest: Iterator[Piece], trail: ExportTrail) -> None:
        self._trail, self._request_id = trail, current_request_id.get()
        self._chunks = chain(_cut(first.data), chain.from_iterable(_cut(piece.data) for piece in self._noted(rest)))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next chunk. Raises `ExportAborted`: the response has begun, so any error must close the connection."""
        try:
            try:
                return next(self._chunks)
            except StopIteration:
                self._trail.end()
                raise
        except StopIteration:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever it is
            self._trail.break_off(FAILED)
            token = current_request_id.set(self._request_id)  # the middleware has already reset it
            log.error("an export was aborted (%s)", type(exc).__name__)
            current_request_id.reset(token)
            raise ExportAborted from None

    def close(self) -> None:
        """Notes that the reader left, unless the file has ended."""
        self._trail.break_off(CUT_OFF)

    def _noted(self, rest: Iterator[Piece]) -> Iterator[Piece]:
        """Notes people before the part with them leaves."""
        for piece in rest:
            self._trail.add(piece.rows, piece.subjects)
            yield piece


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[start : start + SEND_BYTES] for start in range(0, len(data), SEND_BYTES))
