"""Sends rows as one file, streamed: an export of any size takes the memory of a page or two."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common.access import CUT_OFF, ExportTrail, noted_end
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
    return _Body(_chunks(first, pieces, trail, current_request_id.get()), trail)


class _Body:
    """An iterator that notes the end of the export also if the server never asks for the first chunk."""

    def __init__(self, chunks: Generator[bytes, None, None], trail: ExportTrail) -> None:
        self._chunks, self._trail, self._has_begun = chunks, trail, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._has_begun = True
        return next(self._chunks)

    def close(self) -> None:
        """The server calls this at the end, and if the reader left."""
        if not self._has_begun:
            self._has_begun = True
            self._trail.end(CUT_OFF)
        self._chunks.close()


def _chunks(first: Piece, pieces: Iterable[Piece], trail: ExportTrail, request_id: str) -> Generator[bytes, None, None]:
    try:
        with noted_end(trail):
            yield from _cut(first.data)
            for piece in pieces:
                trail.add(piece.rows, piece.subjects)  # first: it must be durable before the part leaves
                yield from _cut(piece.data)
    except Exception as exc:  # noqa: BLE001 - the response has begun, so any error must close the connection
        token = current_request_id.set(request_id)  # the middleware has already reset it
        log.error("an export was aborted (%s)", type(exc).__name__)
        current_request_id.reset(token)
        raise ExportAborted from None


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[start : start + SEND_BYTES] for start in range(0, len(data), SEND_BYTES))
