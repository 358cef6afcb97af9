"""The ledger's tables: what every source's rows have, and the origins, receipts and dispositions that prove them."""

from typing import Any, ClassVar

from django.db import models

from common.ids import uuid7


class SealedRow(models.Model):
    """What a source's table has in common with all others. A row is written once, by the worker, and never changed.

    A row whose numbers or seals are empty was not written by a worker: the database takes it, `verify_log` names it.
    """

    time_field: ClassVar[str] = "recorded_at"  # when the event happened; history sorts by it
    received: Any = None  # the `sources.Received` that it was made of; only while it is being inserted

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recorded_at = models.DateTimeField(help_text="When the event happened.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When the row was written.")
    payload_bytes = models.PositiveIntegerField(db_default=0, help_text="UTF-8 bytes of its texts; bounds a page.")
    record_version = models.PositiveSmallIntegerField(
        db_default=1, help_text="The version of the record it was made of."
    )
    origin = models.UUIDField(null=True, help_text="Which life of which process recorded it.")
    sequence = models.BigIntegerField(null=True, help_text="The record's number within its origin, from 1.")
    seal = models.BinaryField(null=True, help_text="HMAC over content, number and the seal before.")
    row_seal = models.BinaryField(null=True, help_text="HMAC over the whole row.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class Receipt(models.Model):
    """Committed with the rows: an origin's records `first` to `last` are settled."""

    origin = models.UUIDField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["origin", "first", "last"], name="receipt_once")]

    def __str__(self) -> str:
        return f"{self.origin} {self.first}-{self.last}"


class Origin(models.Model):
    """One life of one writing process: how far its numbers go, sealed."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    key_id = models.CharField(max_length=16)
    highest = models.BigIntegerField(help_text="The highest number that is settled.")
    ended = models.BooleanField(default=False, help_text="Whether its last number is settled.")
    seal = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.id} on {self.host}"


class Disposition(models.Model):
    """What became of a numbered record that is no row, so that its number is not missing."""

    class Kind(models.TextChoices):
        """Why it is no row."""

        QUARANTINED = "quarantined"  # no table takes it; its bytes are kept here
        ERASED = "erased"  # a row that was deliberately erased: a tombstone
        REPEATED = "repeated"  # another number already became the row of the same event

    origin = models.UUIDField()
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    digest = models.BinaryField()
    seal = models.BinaryField(help_text="The record's own seal.")
    disposition_seal = models.BinaryField(help_text="HMAC over this row.")
    payload = models.BinaryField(default=b"", help_text="The record's bytes, where it is in quarantine.")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["origin", "sequence"], name="disposition_once")]
        indexes: ClassVar = [models.Index(fields=["kind", "-created_at"], name="disposition_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.origin} {self.sequence}"
