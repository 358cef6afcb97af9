"""Links to files in the storage, and `GET files/{token}/`: what they give where the storage itself gives none."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from ml_proxy import files, storage
from ml_proxy.exceptions import LinkExpired, NoSuchFile, StorageDown
from ml_proxy.files import File
from ml_proxy.use_cases import inputs
from ml_proxy.views.plain import PlainRead
from ml_proxy.views.queries import refuse_parameters
from ml_proxy.views.rendering import NO_STORE

NAME = "file"
_SIGNER = TimestampSigner(salt="ml_proxy.files")


def links(inference_id: UUID, column: str) -> list[dict[str, Any]]:
    """What history shows of an inference's files, `column` being its `files`."""
    expires_at = datetime.now(UTC) + timedelta(seconds=settings.FILE_LINK_SECONDS)
    shown = []
    for number, file in enumerate(files.read(column)):
        told = file._asdict()
        del told["key"]
        url = _storage_s_own(file) or reverse(NAME, args=[_SIGNER.sign_object([inference_id.hex, number])])
        shown.append(told | {"url": url, "expires_at": expires_at})
    return shown


def _storage_s_own(file: File) -> str:
    """Blank where it has none, or can't say who asks just now: then the gateway gives the file."""
    try:
        return storage.link(file)
    except StorageDown:
        return ""


class FileContent(PlainRead):
    """One file. The token is the right."""

    permission = None

    @extend_schema(
        operation_id="get_file",
        summary="A file of an input, by the link that history gave",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The file, as an attachment: what a caller sent shall not run in a browser here."""
        refuse_parameters(request)
        file, content = inputs.content(*_read(token))
        disposition = {"Content-Disposition": content_disposition_header(True, file.filename) or "attachment"}
        return HttpResponse(content, content_type=file.content_type, headers={**NO_STORE, **disposition})


def _read(token: str) -> tuple[UUID, int]:
    try:
        inference_id, number = _SIGNER.unsign_object(token, max_age=settings.FILE_LINK_SECONDS)
    except SignatureExpired as exc:
        raise LinkExpired("The link has expired. Ask history again for a new one.") from exc
    except BadSignature as exc:
        raise NoSuchFile("This is no link of this gateway. Ask history for one.") from exc
    return UUID(inference_id), number
