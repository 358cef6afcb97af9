"""The outbox for MLflow, and the lease of the worker that sends it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class MlflowOutbox(models.Model):
    """Inferences or a job to send: written in the transaction of the rows or the job, deleted once MLflow has it."""

    class Kind(models.IntegerChoices):
        """The kinds of entries, in the order in which they are sent."""

        REQUESTED = 0  # one inference that a caller requested as a run of its own
        JOB = 1
        INFERENCES = 2

    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    source = models.CharField(max_length=100, blank=True, help_text="The record source of inferences; blank for a job.")
    subjects = models.TextField(help_text="Ids in hex, separated by blanks.")
    count = models.PositiveIntegerField(default=1, help_text="The number of ids.")
    payload_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    batch = models.UUIDField(
        null=True, help_text="Entries with the same batch are sent together; empty until the first try."
    )
    refusals = models.PositiveSmallIntegerField(default=0, help_text="How often MLflow refused this batch.")
    is_aside = models.BooleanField(default=False, help_text="Whether it was refused too often and is no longer sent.")
    error = models.CharField(max_length=200, blank=True, help_text="Why it was refused.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "source", "subjects"], condition=Q(kind__lt=2), name="mlflow_outbox_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "id"], condition=Q(is_aside=False), name="mlflow_outbox_next"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="mlflow_outbox_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.Kind(self.kind).name} {self.pk}"


class MlflowCursor(models.Model):
    """A single row: the lease for sending to MLflow, and the result of the last try."""

    leased_until = models.DateTimeField(null=True, help_text="When the lease expires; empty if nobody holds it.")
    due_at = models.DateTimeField(null=True, help_text="When to try again after a failure.")
    failures = models.PositiveIntegerField(default=0, help_text="Consecutive failures.")
    error = models.CharField(max_length=200, blank=True, help_text="The last failure.")

    def __str__(self) -> str:
        return self.error or "no failure"
