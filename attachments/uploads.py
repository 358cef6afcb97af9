"""Uploads attachments from the outbox to the storage, and removes them from the storage.

Only the periodic task uploads. So no record waits for the storage, and none loses its attachments.
"""

import logging
import time
from collections.abc import Iterable

from django.conf import settings

from attachments import storage
from attachments.descriptors import Attachment
from attachments.exceptions import StorageUnavailable
from attachments.models import PendingUpload
from recording import sources

log = logging.getLogger(__name__)

MAX_UPLOADS = 1000  # attachments in one run of the periodic task


def upload_pending() -> int:
    """Uploads pending attachments, the oldest first, until the next run is due. Returns how many."""
    ends_at = time.monotonic() + settings.JOB_SWEEP_SECONDS
    ready = PendingUpload.objects.filter(is_ready=True)
    uploaded = 0
    try:
        for key in list(ready.order_by("created_at").values_list("key", flat=True)[:MAX_UPLOADS]):
            uploaded += _upload(key)
            if time.monotonic() >= ends_at:
                break
    except StorageUnavailable as exc:
        log.warning("%d attachments still wait for the storage: %s", ready.count(), exc.detail)
    return uploaded


def remove(listed: Iterable[Attachment]) -> None:
    """Removes attachments from the storage; missing ones are ignored. Raises `StorageUnavailable`."""
    for attachment in listed:
        storage.remove(attachment.key)


def _upload(key: str) -> bool:
    """Uploads one attachment. If its row was erased meanwhile, removes the uploaded file again."""
    pending = PendingUpload.objects.filter(pk=key, is_ready=True).first()
    if pending is None:
        return False
    storage.put(key, bytes(pending.content))
    uploaded = bool(PendingUpload.objects.filter(pk=key).delete()[0])
    if not uploaded and not any(source.rows.filter(pk=pending.row).exists() for source in sources.registered()):
        storage.remove(key)
    return uploaded
