"""`GET history/export/`: all inferences that match, as one file."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import ClassVar

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.read_view import ReadView
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, form_name
from common.logs import current_request_id
from common.query_params import Readers, read_query
from common.responses import NO_STORE
from common.schemas import sent_field
from ml_proxy.export import export
from ml_proxy.filters import HISTORY_FILTERS
from ml_proxy.history import wanted
from ml_proxy.permissions import READ_HISTORY
from ml_proxy.serializers import FILTER_FIELDS

log = logging.getLogger(__name__)

SEND_BYTES = 256 * 1024  # per chunk: the WSGI server queues several chunks for a slow reader, each a separate copy
_READERS: Readers = {"format": ("format", form_name), **HISTORY_FILTERS}
FILE_FIELDS = (
    OpenApiParameter("format", {"type": "string", "enum": list(FORMS), "default": DEFAULT}),
    sent_field("Content-Disposition", "A file name that contains only the time of the export.", 200),
)
FILE_ANSWERS = {(200, form.media_type.partition(";")[0]): OpenApiTypes.BINARY for form in FORMS.values()}


class ExportAborted(Exception):
    """Makes the server close the connection. The server prints the text, so it must not describe the cause."""


class Export(ReadView):
    """Exports all inferences that match."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}

    @extend_schema(
        operation_id="export_history",
        summary="Export inferences, newest first, as one file",
        description=(
            "Streamed, with history's columns. CSV contains every text unchanged: a spreadsheet may interpret one that "
            "starts with =, +, - or @ as a formula. A truncated file is not valid. An unknown parameter is a 400."
        ),
        parameters=[*FILE_FIELDS, *FILTER_FIELDS],
        responses=FILE_ANSWERS,
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """Returns the file."""
        query = read_query(request, _READERS)
        form = query.pop("format", DEFAULT)
        return attachment(request, "inferences", form, lambda: export(wanted(**query), FORMS[form]))


def attachment(
    request: HttpRequest, stem: str, form: str, export: Callable[[], Iterator[Piece]]
) -> StreamingHttpResponse:
    """Returns the file from `export` as a response. A HEAD gets only the header fields, without database queries."""
    body = () if request.method == "HEAD" else _body(export())
    filename = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(body, content_type=FORMS[form].media_type, headers=headers)


def _body(pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Returns the body. Builds the first piece before the status is sent, so an early error is an error response."""
    return _chunks(chain([next(pieces)], pieces), current_request_id.get())


def _chunks(pieces: Iterable[Piece], request_id: str) -> Iterator[bytes]:
    try:
        for data, _ in pieces:
            for start in range(0, len(data), SEND_BYTES):
                yield data[start : start + SEND_BYTES]
    except Exception as exc:  # noqa: BLE001 - the response has begun, so any error must close the connection
        token = current_request_id.set(request_id)  # the middleware has already reset it
        log.error("an export was aborted (%s)", type(exc).__name__)
        current_request_id.reset(token)
        raise ExportAborted from None
