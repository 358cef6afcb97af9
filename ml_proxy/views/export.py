"""`GET history/export/`: all inferences that match, as one file."""

from typing import ClassVar

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from common.file_response import FORM_READERS, attachment, file_answers, file_fields, take_form
from common.query_params import Readers
from common.row_scope import scope_of
from ml_proxy.filters import HISTORY_FILTERS, read_history_query
from ml_proxy.history import HISTORY, wanted
from ml_proxy.permissions import READ_HISTORY
from ml_proxy.serializers import FILTER_FIELDS

_READERS: Readers = {**FORM_READERS, **HISTORY_FILTERS}


class Export(ReadView):
    """Exports all inferences that match."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}
    rate_limit = "export"

    @extend_schema(
        operation_id="export_history",
        summary="Export inferences, newest first, as one file",
        description=(
            "Streamed, with history's columns. CSV contains every text unchanged: a spreadsheet may interpret one that "
            "starts with =, +, - or @ as a formula, unless safe_cells is 1. A truncated file is not valid. An unknown "
            "parameter is a 400."
        ),
        parameters=[*file_fields(), *FILTER_FIELDS],
        responses=file_answers(),
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """Returns the file."""
        query = read_history_query(request, _READERS)
        form, action = take_form(query), "inference.export"
        rows = wanted(scope=scope_of(request), **query)
        return attachment(request, "inferences", form, lambda: HISTORY.export(rows, form), action=action, filters=query)
