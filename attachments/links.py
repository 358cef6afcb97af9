"""Links to attachments, valid for `FILE_LINK_SECONDS`: a link of the storage, or one of this gateway."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse

from attachments import descriptors, storage
from attachments.descriptors import Attachment
from attachments.exceptions import LinkExpired, NoSuchFile, StorageUnavailable
from attachments.models import PendingUpload

VIEW = "file"  # the URL name of the view that returns an attachment by token
_SIGNER = TimestampSigner(salt="attachments.links")


def links(source: str, columns: Mapping[UUID, str]) -> dict[UUID, list[dict[str, Any]]]:
    """What history shows of rows' attachments, by row id; `source` is the source's name, `columns` has their `files`.

    Until an attachment is uploaded, its link is one of this gateway.
    """
    waiting = set(PendingUpload.objects.filter(row__in=columns).values_list("key", flat=True))
    return {row_id: _described(source, row_id, column, waiting) for row_id, column in columns.items()}


def read_token(token: str) -> tuple[str, UUID, int]:
    """The source's name, the row and the number of an attachment. Raises `LinkExpired` or `NoSuchFile`."""
    try:
        source, row_id, number = _SIGNER.unsign_object(token, max_age=settings.FILE_LINK_SECONDS)
    except SignatureExpired as exc:
        raise LinkExpired("The link has expired. Ask history for a new one.") from exc
    except BadSignature as exc:
        raise NoSuchFile("This is not a link of this gateway. Ask history for one.") from exc
    return source, UUID(row_id), number


def _described(source: str, row_id: UUID, column: str, waiting: Collection[str]) -> list[dict[str, Any]]:
    expires_at = datetime.now(UTC) + timedelta(seconds=settings.FILE_LINK_SECONDS)
    shown = []
    for number, attachment in enumerate(descriptors.read(column)):
        members = attachment._asdict()
        del members["key"]
        token = _SIGNER.sign_object([source, row_id.hex, number])
        url = "" if attachment.key in waiting else _storage_link(attachment)
        shown.append(members | {"url": url or reverse(VIEW, args=[token]), "expires_at": expires_at})
    return shown


def _storage_link(attachment: Attachment) -> str:
    """Blank if the storage has no links, or can't make one now: then the gateway serves the attachment."""
    try:
        return storage.link(attachment)
    except StorageUnavailable:
        return ""
