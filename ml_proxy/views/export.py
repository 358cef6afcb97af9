"""`GET history/export/`: all that a question finds, as one file."""

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

SEND_BYTES = 256 * 1024  # at once: the server queues a few of these for a slow reader, each a copy of its own
_READERS: Readers = {"format": ("format", form_name), **HISTORY_FILTERS}
FILE_FIELDS = (
    OpenApiParameter("format", {"type": "string", "enum": list(FORMS), "default": DEFAULT}),
    sent_field("Content-Disposition", "A file name, which tells the time of the export alone.", 200),
)
FILE_ANSWERS = {(200, form.media_type.partition(";")[0]): OpenApiTypes.BINARY for form in FORMS.values()}


class BrokenOff(Exception):
    """The server shall close the connection. Its text is printed, so it says nothing of what went wrong."""


class Export(ReadView):
    """All that a question finds."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}

    @extend_schema(
        operation_id="export_history",
        summary="All inferences that match, newest first, as one file",
        description=(
            "Streamed; history's columns. CSV holds every text as it is: a spreadsheet may take one that begins with "
            "=, +, - or @ for a formula. A file that breaks off can not be read whole. An unknown parameter is a 400."
        ),
        parameters=[*FILE_FIELDS, *FILTER_FIELDS],
        responses=FILE_ANSWERS,
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """The file."""
        query = read_query(request, _READERS)
        form = query.pop("format", DEFAULT)
        return attachment(request, "inferences", form, lambda: export(wanted(**query), FORMS[form]))


def attachment(
    request: HttpRequest, stem: str, form: str, export: Callable[[], Iterator[Piece]]
) -> StreamingHttpResponse:
    """The file that `export` makes; to a HEAD its fields alone, without a look at the database."""
    body = () if request.method == "HEAD" else _body(export())
    filename = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(body, content_type=FORMS[form].media_type, headers=headers)


def _body(pieces: Iterator[Piece]) -> Iterator[bytes]:
    """What is sent. The first piece is made before there is a status, so that an error can still be one."""
    return _sent(chain([next(pieces)], pieces), current_request_id.get())


def _sent(pieces: Iterable[Piece], request_id: str) -> Iterator[bytes]:
    try:
        for data, _ in pieces:
            for start in range(0, len(data), SEND_BYTES):
                yield data[start : start + SEND_BYTES]
    except Exception as exc:  # noqa: BLE001 - whatever it was, the answer has begun
        token = current_request_id.set(request_id)  # the exchange is over for everything else
        log.error("an export broke off (%s)", type(exc).__name__)
        current_request_id.reset(token)
        raise BrokenOff from None
