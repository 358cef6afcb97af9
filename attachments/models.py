"""Attachments that the storage did not take yet."""

from django.db import models


class PendingUpload(models.Model):
    """One attachment: written with its row, and deleted once the storage has it."""

    key = models.CharField(max_length=100, primary_key=True, help_text="Where in the storage it belongs.")
    row = models.UUIDField(help_text="The row that it belongs to.")
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
