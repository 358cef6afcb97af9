"""The outbox of attachments that wait for upload."""

from django.db import models


class PendingUpload(models.Model):
    """An attachment that waits for upload: written with its row, and deleted once the storage has it."""

    key = models.CharField(max_length=100, primary_key=True, help_text="Its key in the storage.")
    row = models.UUIDField(help_text="The row that it belongs to.")
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
