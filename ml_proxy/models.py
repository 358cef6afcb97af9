"""The log of inferences, doctors' feedback on them, and the idempotency keys of predictions."""

from typing import ClassVar

from django.db import models
from django.db.models import OuterRef, Subquery

from common.encrypted_fields import EncryptedBinaryField, EncryptedTextField
from ml_proxy.records import FeedbackRecord, InferenceRecord
from recording.lookups import LookupField
from recording.models import SealedRow, history_indexes

_MAX = {**InferenceRecord.MAX_LENGTHS, **FeedbackRecord.MAX_LENGTHS}
MAX_LABEL = _MAX["label"]  # characters
MAX_NOTE = _MAX["note"]
MAX_POSITION = 2**63 - 1
_NEWEST_BY_VERDICT = ("verdict", "predicted_at", "inference", "position")
_VERDICT_INDEXES: dict[str, tuple[str, ...]] = {  # the columns before the verdict
    "feedback_by_verdict": (),
    "feedback_by_doctor_verdict": ("doctor_key",),
    "feedback_by_model_verdict": ("model_name",),
    "feedback_by_doctor_model": ("doctor_key", "model_name"),
}
FEEDBACK_LOCK = 0x66656564  # advisory lock: one transaction at a time may store or erase feedback


class InferenceLog(SealedRow):
    """One prediction that was answered with a 2xx.

    `input_data` and `output_data` are the JSON texts exactly as sent and received: a database's own JSON type would
    refuse NUL escapes (PostgreSQL) or round large numbers.
    """

    time_field = "predicted_at"

    recorded_at = None  # type: ignore[assignment] # removes the field: here it is called `predicted_at`
    doctor_name = EncryptedTextField()
    doctor_key = LookupField("doctor_name")
    patient_name = EncryptedTextField()
    patient_key = LookupField("patient_name")
    input_data = EncryptedTextField(help_text="The whole request body, as the received JSON text.")
    output_data = EncryptedTextField(help_text="The model's answer, as the received JSON text.")
    predicted_at = models.DateTimeField(help_text="When the model answered.")
    latency_ms = models.FloatField(help_text="The model server's response time, in milliseconds.")
    model_name = models.CharField(max_length=_MAX["model_name"], blank=True)
    model_version = models.CharField(max_length=_MAX["model_version"], blank=True)
    request_id = models.CharField(max_length=_MAX["request_id"])
    caller = models.CharField(max_length=_MAX["caller"], blank=True, help_text="The authenticated caller, if any.")
    files = EncryptedTextField(
        db_default="", blank=True, help_text="Attachments, as JSON (see attachments.descriptors); usually empty."
    )

    class Meta:
        verbose_name = "inference"
        permissions: ClassVar = [
            ("promote_model", "Can put a version of a model into service"),
            ("view_metrics", "Can read metrics, and readiness part by part"),
        ]
        # All columns are descending, so each history query is one range of one index: see common.keyset.
        indexes: ClassVar = [
            models.Index(fields=["-predicted_at", "-id"], name="inference_newest"),
            models.Index(fields=["-doctor_key", "-predicted_at", "-id"], name="inference_by_doctor"),
            models.Index(fields=["-patient_key", "-predicted_at", "-id"], name="inference_by_patient"),
            models.Index(fields=["-doctor_key", "-patient_key", "-predicted_at", "-id"], name="inference_by_both"),
            models.Index(fields=["-model_name", "-predicted_at", "-id"], name="inference_by_model"),
            models.Index(
                fields=["-doctor_key", "-model_name", "-predicted_at", "-id"], name="inference_by_doctor_model"
            ),
            models.Index(fields=["origin", "sequence"], name="inference_by_number"),
        ]


class Feedback(SealedRow):
    """A doctor's verdict on one inference. A later verdict on the same inference supersedes it.

    Positions increase in commit order; the API calls them ids. A row copies the inference's model, time and doctor's
    key, which never change, so that accuracy and history by verdict can be read without the log.
    """

    class Verdict(models.TextChoices):
        """Whether the model was right."""

        AGREE = "agree"
        CORRECT = "correct"

    position = models.BigIntegerField(
        unique=True, help_text="Among all verdicts: microseconds since 1970, or one more than the verdict before."
    )
    # No constraint: it would prevent detaching a month of a partitioned log. Erasure erases the rows instead.
    inference = models.ForeignKey(InferenceLog, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    verdict = models.CharField(max_length=_MAX["verdict"], choices=Verdict.choices)
    label = EncryptedTextField(blank=True)
    note = EncryptedTextField(blank=True)
    caller = models.CharField(max_length=_MAX["caller"], blank=True, help_text="The authenticated caller, if any.")
    model_name = models.CharField(max_length=_MAX["model_name"], blank=True)
    model_version = models.CharField(max_length=_MAX["model_version"], blank=True)
    predicted_at = models.DateTimeField(help_text="When the model answered.")
    doctor_key = models.UUIDField(null=True, editable=False, help_text="The inference's.")

    class Meta:
        verbose_name_plural = "feedback"
        permissions: ClassVar = [("export_dataset", "Can export judged inferences, without names, as a data set")]
        indexes: ClassVar = [
            *history_indexes("feedback"),
            models.Index(fields=["inference", "-position"], name="feedback_by_inference"),
            models.Index(fields=["predicted_at"], name="feedback_by_time"),
            # For history by verdict. All columns are descending, as those of InferenceLog.
            *(
                models.Index(fields=[f"-{column}" for column in (*columns, *_NEWEST_BY_VERDICT)], name=name)
                for name, columns in _VERDICT_INDEXES.items()
            ),
        ]

    @classmethod
    def newest(cls, last: int = MAX_POSITION) -> Subquery:
        """Subquery for the position of the newest verdict on a verdict's inference, among positions up to `last`.

        The subquery runs for each row: for a NOT EXISTS of later verdicts, PostgreSQL may read the whole table.
        """
        same = cls.objects.filter(inference=OuterRef("inference"), position__lte=last)
        return Subquery(same.order_by("-position").values("position")[:1])

    @classmethod
    def last_position(cls) -> int:
        """The position of the last verdict on any inference; 0 if there is none."""
        return cls.objects.order_by("-position").values_list("position", flat=True).first() or 0


class IdempotencyKey(models.Model):
    """A caller's idempotency key, claimed before the model is called and kept for 24 h with the answer."""

    caller = models.CharField(max_length=150, blank=True)
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64, help_text="Keyed hash of method, path, query and body, in hex.")
    inference_id = models.UUIDField()
    claimed_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="Null while the first call is running.")
    reason = models.CharField(max_length=200, blank=True)
    fields = EncryptedTextField(blank=True, help_text="The answer's header fields, as a JSON array of pairs.")
    body = EncryptedBinaryField(null=True)
    record = EncryptedBinaryField(
        null=True, help_text="The encoded record, for a repeat to write if it is not recorded yet."
    )
    recorded = models.BooleanField(default=False, help_text="Whether the record was written to the journal.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")]
        indexes: ClassVar = [models.Index(fields=["claimed_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return str(self.pk)
