"""`GET files/{token}/`: an attachment, where the storage itself gives no link."""

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from attachments import contents
from attachments.links import read_token
from common.query_params import refuse_parameters
from common.responses import NO_STORE
from recording import sources


class FileContent(ReadView):
    """One attachment. The token is the permission."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="get_file",
        summary="A file of an input, by the link that history gave",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The file, to be saved: what a caller sent must not run in a browser here."""
        refuse_parameters(request)
        source, row_id, number = read_token(token)
        file, content = contents.content(sources.named(source), row_id, number)
        disposition = {"Content-Disposition": content_disposition_header(True, file.filename) or "attachment"}
        return HttpResponse(content, content_type=file.content_type, headers={**NO_STORE, **disposition})
