"""`GET files/{token}/`: an attachment, for storages that can't issue links themselves."""

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from accounts.permissions import require
from accounts.read_view import ReadView
from attachments import contents
from attachments.links import read_token
from common.access import note_rows
from common.query_params import refuse_parameters
from common.responses import NO_STORE
from common.row_scope import scope_of
from recording import sources


class FileContent(ReadView):
    """One attachment. A link is valid for some minutes, and only for a caller who may see the inference."""

    @extend_schema(
        operation_id="get_file",
        summary="Download a file of an input by the link from history",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Returns the file as a download, because callers' content must not run in a browser on this origin."""
        refuse_parameters(request)
        source, row_id, number = read_token(token)
        found = sources.named(source)
        require(request, found.read_permission)
        file, content = contents.content(found, row_id, number, scope_of(request))
        rows = list(found.rows.filter(pk=row_id).defer(*found.large))
        note_rows(request, "file.read", rows, {"source": source, "id": row_id, "file": number})
        disposition = {"Content-Disposition": content_disposition_header(True, file.filename) or "attachment"}
        return HttpResponse(content, content_type=file.content_type, headers={**NO_STORE, **disposition})
