"""The tables: the log with its origins, receipts and remnants, verdicts, idempotency keys, jobs; what others lack."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from ml_proxy.ids import uuid7
from ml_proxy.records import MOST_CHARACTERS, Record
from ml_proxy.verdicts import Verdict

__all__ = ["Callback", "IdempotencyKey", "InferenceLog", "Job", "Origin", "Receipt", "Remnant", "Verdict"]


class InferenceLog(models.Model):
    """One prediction that was answered 2xx. Written once, by the worker, and never changed.

    `input_data` and `output_data` are JSON texts exactly as they travelled: a database's own JSON type would refuse
    NUL escapes (PostgreSQL) or round large numbers.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor_name = models.CharField(max_length=MOST_CHARACTERS["doctor_name"])
    patient_name = models.CharField(max_length=MOST_CHARACTERS["patient_name"])
    input_data = models.TextField(help_text="The whole request body, JSON as it came.")
    output_data = models.TextField(help_text="The model's answer, JSON as it came.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When the row was written.")
    predicted_at = models.DateTimeField(help_text="When the model had answered.")
    latency_ms = models.FloatField(help_text="The model's time, in milliseconds.")
    model_name = models.CharField(max_length=MOST_CHARACTERS["model_name"], blank=True)
    model_version = models.CharField(max_length=MOST_CHARACTERS["model_version"], blank=True)
    request_id = models.CharField(max_length=MOST_CHARACTERS["request_id"])
    caller = models.CharField(max_length=MOST_CHARACTERS["caller"], blank=True, help_text="Who asked, where known.")
    payload_bytes = models.PositiveIntegerField(
        db_default=0, help_text="UTF-8 bytes of both texts; bounds a history page."
    )
    files = models.TextField(
        db_default="", blank=True, help_text="What lies in the storage, as JSON: see ml_proxy.files; mostly empty."
    )
    # A row without these was not written by a worker: the database takes it, and `verify_log` names it.
    origin = models.UUIDField(null=True, help_text="Which life of which gateway process recorded it.")
    sequence = models.BigIntegerField(null=True, help_text="The record's number within its origin, from 1.")
    seal = models.BinaryField(null=True, help_text="HMAC over content, number and the seal before.")
    row_seal = models.BinaryField(null=True, help_text="HMAC over the whole row.")

    class Meta:
        verbose_name = "inference"
        # All columns fall, so that each question of history is one range of one of these: see keyset.
        indexes: ClassVar = [
            models.Index(fields=["-predicted_at", "-id"], name="inference_newest"),
            models.Index(fields=["-doctor_name", "-predicted_at", "-id"], name="inference_by_doctor"),
            models.Index(fields=["-patient_name", "-predicted_at", "-id"], name="inference_by_patient"),
            models.Index(fields=["-doctor_name", "-patient_name", "-predicted_at", "-id"], name="inference_by_both"),
            models.Index(fields=["origin", "sequence"], name="inference_by_number"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def as_record(self) -> Record:
        """The record that became this row."""
        return Record(**{name: getattr(self, name) for name in Record.__dataclass_fields__})


class Unstored(models.Model):
    """A file that the storage did not take: written with its row, and gone once the storage has it."""

    key = models.CharField(max_length=100, primary_key=True, help_text="Where in the storage it belongs.")
    inference = models.UUIDField()
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Receipt(models.Model):
    """The worker's word, committed with the rows, that an origin's records `first` to `last` are settled."""

    origin = models.UUIDField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["origin", "first", "last"], name="receipt_once")]

    def __str__(self) -> str:
        return f"{self.origin} {self.first}-{self.last}"


class Origin(models.Model):
    """One life of one gateway process, as a writer of records: how far its numbers go, sealed."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    key_id = models.CharField(max_length=16)
    highest = models.BigIntegerField(help_text="The highest number that is settled.")
    ended = models.BooleanField(default=False, help_text="Whether its last number is settled.")
    seal = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.id} on {self.host}"


class Remnant(models.Model):
    """What stands for a numbered record that is no row, so that its number is not missing."""

    class Kind(models.TextChoices):
        """Why it is no row."""

        QUARANTINED = "quarantined"  # no table takes it; its bytes are kept here
        ERASED = "erased"  # a row that was deliberately erased: a tombstone
        REPEATED = "repeated"  # another number already became the row of this inference

    origin = models.UUIDField()
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    digest = models.BinaryField()
    seal = models.BinaryField()
    own_seal = models.BinaryField()
    payload = models.BinaryField(default=b"", help_text="The record's bytes, where it is in quarantine.")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["origin", "sequence"], name="remnant_once")]
        indexes: ClassVar = [models.Index(fields=["kind", "-created_at"], name="remnant_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.origin} {self.sequence}"


class IdempotencyKey(models.Model):
    """A caller's own key, claimed before the model is called and kept for 24 h with the answer it led to."""

    caller = models.CharField(max_length=150, blank=True)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the body, in hex.")
    inference_id = models.UUIDField()
    claimed_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while the first call is running.")
    reason = models.CharField(max_length=200, blank=True)
    fields = models.TextField(blank=True, help_text="The answer's header fields, as JSON pairs.")
    body = models.BinaryField(null=True)
    record = models.BinaryField(null=True, help_text="The record, for whoever finds it not recorded yet.")
    recorded = models.BooleanField(default=False, help_text="Whether the journal has had the record.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")]
        indexes: ClassVar = [models.Index(fields=["claimed_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return str(self.pk)


class Job(models.Model):
    """One long run that a caller can name. Its row exists before anything is queued.

    Whoever runs it holds it by a lease, which it renews: a job whose runner died is found by its lease.
    """

    class State(models.TextChoices):
        """`queued → running → succeeded | failed | cancelled`."""

        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40, default="retrain")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    percent = models.PositiveSmallIntegerField(default=0)
    message = models.CharField(max_length=200, blank=True)
    params = models.TextField(default="{}", help_text="What the model server is asked, JSON as it came.")
    result = models.TextField(null=True, help_text="The model server's answer, JSON as it came.")  # noqa: DJ001
    error = models.CharField(max_length=500, null=True)  # noqa: DJ001 - no error is null, in the API too
    requested_by = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # How it is run.
    is_attended = models.BooleanField(default=False, help_text="Its caller waits for it, so it is never run again.")
    queued_at = models.DateTimeField(null=True, help_text="When its message was last sent.")
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Which run this is; a former run's word is void.")
    leased_until = models.DateTimeField(null=True, help_text="When its runner is taken for dead, unless it renews.")
    # A caller's own key, so that the same request again finds the job that it made; emptied after 24 h.
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is not unique
    body_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the request's body, in hex.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(state__in=["queued", "running"]), name="job_one_active_of_a_kind"
            ),
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="job_idempotency_key_once"),
        ]
        # The list with a filter: newest first within a state. Without one it is a range of the primary key.
        indexes: ClassVar = [models.Index(fields=["state", "-id"], name="job_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Callback(models.Model):
    """What is still to be told, or was told, to the URL that a job's caller named."""

    class State(models.TextChoices):
        """`waiting → delivered | given up`."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given up"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="The webhook's id, on every try.")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="callback")
    url = models.CharField(max_length=2000)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True, help_text="When to try next; empty until the job has ended.")
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True, help_text="Why the last try failed.")
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="callback_due"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Untracked(models.Model):
    """What MLflow does not have yet: noted in the transaction of what it tells of, and gone once MLflow has it."""

    class Kind(models.IntegerChoices):
        """Of what; in this order they are sent."""

        ASKED = 0  # one inference that somebody wants as a run of its own
        JOB = 1
        INFERENCES = 2

    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    subjects = models.TextField(help_text="Their ids in hex, with blanks.")
    count = models.PositiveIntegerField(default=1, help_text="How many they are.")
    payload_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    batch = models.UUIDField(null=True, help_text="What is sent together, on every try; empty until the first.")
    refusals = models.PositiveSmallIntegerField(default=0, help_text="How often MLflow refused this very thing.")
    is_aside = models.BooleanField(default=False, help_text="It was refused too often, and is not sent again.")
    error = models.CharField(max_length=200, blank=True, help_text="Why it was refused.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "subjects"], condition=Q(kind__lt=2), name="untracked_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "id"], condition=Q(is_aside=False), name="untracked_next"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="untracked_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.Kind(self.kind).name} {self.pk}"


class Tracker(models.Model):
    """The one row of whoever brings things to MLflow: who is at it, and how it went."""

    leased_until = models.DateTimeField(null=True, help_text="Until when nobody else begins; empty, nobody is at it.")
    due_at = models.DateTimeField(null=True, help_text="When to try again after a failure.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    error = models.CharField(max_length=200, blank=True, help_text="The last one, in a word.")

    def __str__(self) -> str:
        return self.error or "well"
