"""The outbox of attachments that wait for upload."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from common.encrypted_fields import EncryptedBinaryField


class PendingUpload(models.Model):
    """An attachment that waits for upload: saved before its row is written, and deleted once the storage has it."""

    key = models.CharField(max_length=100, primary_key=True, help_text="Its key in the storage.")
    row = models.UUIDField(db_index=True, help_text="The row that it belongs to.")
    origin = models.UUIDField(help_text="The origin of its record.")
    sequence = models.BigIntegerField(help_text="Its record's number within the origin.")
    content = EncryptedBinaryField()
    is_ready = models.BooleanField(default=False, help_text="Whether its row is written, so that it may be uploaded.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["is_ready", "created_at"], name="pending_upload_ready")]

    def __str__(self) -> str:
        return self.key
