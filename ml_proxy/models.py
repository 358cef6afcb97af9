"""The log of inferences, doctors' feedback on them, and the idempotency keys of predictions."""

from typing import ClassVar

from django.db import models

from ml_proxy.records import InferenceRecord
from recording.models import SealedRow

_MAX = InferenceRecord.MAX_LENGTHS
MAX_LABEL = 200  # characters
MAX_NOTE = 2000
FEEDBACK_LOCK = 0x66656564  # lets one transaction at a time give or erase feedback


class InferenceLog(SealedRow):
    """One prediction that was answered 2xx.

    `input_data` and `output_data` are JSON texts exactly as they travelled: a database's own JSON type would refuse
    NUL escapes (PostgreSQL) or round large numbers.
    """

    time_field = "predicted_at"

    recorded_at = None  # type: ignore[assignment] # Django removes it: it is called `predicted_at` here
    doctor_name = models.CharField(max_length=_MAX["doctor_name"])
    patient_name = models.CharField(max_length=_MAX["patient_name"])
    input_data = models.TextField(help_text="The whole request body, JSON as it came.")
    output_data = models.TextField(help_text="The model's answer, JSON as it came.")
    predicted_at = models.DateTimeField(help_text="When the model had answered.")
    latency_ms = models.FloatField(help_text="The model's time, in milliseconds.")
    model_name = models.CharField(max_length=_MAX["model_name"], blank=True)
    model_version = models.CharField(max_length=_MAX["model_version"], blank=True)
    request_id = models.CharField(max_length=_MAX["request_id"])
    caller = models.CharField(max_length=_MAX["caller"], blank=True, help_text="Who asked, where known.")
    files = models.TextField(
        db_default="", blank=True, help_text="Its attachments, as JSON: see attachments.descriptors; mostly empty."
    )

    class Meta:
        verbose_name = "inference"
        # All columns fall, so that each question of history is one range of one of these: see common.keyset.
        indexes: ClassVar = [
            models.Index(fields=["-predicted_at", "-id"], name="inference_newest"),
            models.Index(fields=["-doctor_name", "-predicted_at", "-id"], name="inference_by_doctor"),
            models.Index(fields=["-patient_name", "-predicted_at", "-id"], name="inference_by_patient"),
            models.Index(fields=["-doctor_name", "-patient_name", "-predicted_at", "-id"], name="inference_by_both"),
            models.Index(fields=["origin", "sequence"], name="inference_by_number"),
        ]


class Feedback(models.Model):
    """A doctor's verdict on one inference. Never changed: a later one of the same inference supersedes it.

    Its ids rise in the order in which feedback is committed. It copies what it is about, except for the payloads: that
    never changes either, and accuracy is counted without reading the log.
    """

    class Verdict(models.TextChoices):
        """Whether the model was right."""

        AGREE = "agree"
        CORRECT = "correct"

    id = models.BigAutoField(primary_key=True)
    # Without a constraint, which would keep a month of a partitioned log from being detached; erasure removes rows.
    inference = models.ForeignKey(InferenceLog, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    label = models.CharField(max_length=MAX_LABEL, null=True)  # noqa: DJ001 - no label is null, in the API too
    note = models.CharField(max_length=MAX_NOTE, blank=True)
    caller = models.CharField(max_length=_MAX["caller"], blank=True, help_text="Who gave it, where known.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was given.")
    model_name = models.CharField(max_length=_MAX["model_name"], blank=True)
    model_version = models.CharField(max_length=_MAX["model_version"], blank=True)
    predicted_at = models.DateTimeField(help_text="When the model had answered.")

    class Meta:
        verbose_name_plural = "feedback"
        permissions: ClassVar = [("export_dataset", "Can export judged inferences, without names, as a data set")]
        indexes: ClassVar = [
            models.Index(fields=["inference", "-id"], name="feedback_newest"),
            models.Index(fields=["predicted_at"], name="feedback_by_time"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


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
