"""The ledger's tables: the base of every source's rows, and the origins and dispositions that prove them."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from common.encrypted_fields import EncryptedBinaryField
from common.encryption import random_key
from common.ids import uuid7


class SealedRow(models.Model):
    """The columns that every source's table has. A row is written once, by the worker, and never changed.

    A row without number or seal was not written by a worker: the database accepts it, but `verify_log` reports it.
    """

    time_field: ClassVar[str] = "recorded_at"  # the column with the time of the event; history sorts by it
    received: Any = None  # the `sources.Received` it was made from; only set while the row is being inserted

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recorded_at = models.DateTimeField(help_text="When the event happened.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When the row was written.")
    payload_bytes = models.PositiveIntegerField(db_default=0, help_text="The UTF-8 size of the texts; limits a page.")
    record_version = models.PositiveSmallIntegerField(db_default=1, help_text="The version of the record's format.")
    origin = models.UUIDField(null=True, help_text="The origin: one life of one writing process.")
    sequence = models.BigIntegerField(null=True, help_text="The record's number within its origin, from 1.")
    seal = models.BinaryField(null=True, help_text="HMAC over content, number and previous seal.")
    row_seal = models.BinaryField(null=True, help_text="HMAC over the whole row.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


def history_indexes(name: str, *filters: str, time_field: str = SealedRow.time_field) -> list[models.Index]:
    """The indexes of a source's table: its history, newest first, by each column in `filters`, and its numbers.

    All columns descend, so that each query of history is one range of one index: see `common.keyset`. Index names are
    `{name}_newest`, `{name}_by_{filter}` and `{name}_by_number`; Django allows 30 characters.
    """
    newest = [f"-{time_field}", "-id"]
    return [
        models.Index(fields=newest, name=f"{name}_newest"),
        *(models.Index(fields=[f"-{column}", *newest], name=f"{name}_by_{column}") for column in filters),
        models.Index(fields=["origin", "sequence"], name=f"{name}_by_number"),
    ]


class Origin(models.Model):
    """The head of an origin, which is one life of one writing process: what is settled of it, sealed.

    A number is settled once it has a row or a disposition, committed in the same transaction.
    """

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    key_id = models.CharField(max_length=16)
    settled = models.TextField(blank=True, help_text="The settled numbers, as ranges: see `common.number_set`.")
    erased = models.BigIntegerField(default=0, help_text="How many of them are erased: tombstones that must be there.")
    ended = models.BooleanField(default=False, help_text="Whether the highest settled number is also the last.")
    seal = models.BinaryField()
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.id} on {self.host}"


class Fold(models.Model):
    """Many heads, packed into one row: those of origins to which nobody writes any more. See `recording.folds`.

    Its members have their own seals. What else is here only follows from them, and `verify_log` compares it.
    """

    first = models.UUIDField(help_text="The lowest origin that was folded here.")
    last = models.UUIDField(db_index=True, help_text="The highest one: a look-up reads the folds whose range fits.")
    numbers = models.BigIntegerField(help_text="How many numbers its origins have: a scrape only sums them up.")
    created_at = models.DateTimeField(default=timezone.now)
    members = models.TextField(help_text="The heads, as JSON. The last column: SQLite reads the others without it.")

    def __str__(self) -> str:
        return f"fold {self.pk}"


class Disposition(models.Model):
    """Explains why a numbered record has no row, so that its number does not count as missing."""

    class Kind(models.TextChoices):
        """Why there is no row."""

        QUARANTINED = "quarantined"  # can't be written as a row; its bytes are kept here
        ERASED = "erased"  # a row that was deliberately erased: a tombstone
        REPEATED = "repeated"  # the same event already has a row under another number

    origin = models.UUIDField()
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    digest = models.BinaryField()
    seal = models.BinaryField(help_text="The record's own seal.")
    disposition_seal = models.BinaryField(help_text="HMAC over this row.")
    payload = EncryptedBinaryField(default=b"", help_text="The bytes of a quarantined record.")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["origin", "sequence"], name="disposition_once")]
        indexes: ClassVar = [
            models.Index(fields=["kind", "-created_at"], name="disposition_by_kind"),
            models.Index(fields=["digest"], name="disposition_by_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.origin} {self.sequence}"


class LookupKey(models.Model):
    """A single row: the key of the hashes in look-up columns, see `recording.lookups`. It never changes."""

    key = EncryptedBinaryField(default=random_key, editable=False)

    def __str__(self) -> str:
        return "the look-up key"
