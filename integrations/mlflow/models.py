"""What MLflow does not have yet, and the lease of the worker that sends it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class MlflowOutbox(models.Model):
    """What MLflow does not have yet: written in the transaction of the rows or the job, deleted once MLflow has it."""

    class Kind(models.IntegerChoices):
        """Of what; in this order they are sent."""

        ASKED = 0  # one inference that somebody wants as a run of its own
        JOB = 1
        INFERENCES = 2

    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    source = models.CharField(max_length=100, blank=True, help_text="The record source of inferences; blank for a job.")
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
    """The one row that tells who sends to MLflow now, and how it went."""

    leased_until = models.DateTimeField(null=True, help_text="Until when nobody else begins; empty, nobody is at it.")
    due_at = models.DateTimeField(null=True, help_text="When to try again after a failure.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    error = models.CharField(max_length=200, blank=True, help_text="The last one, in a word.")

    def __str__(self) -> str:
        return self.error or "no failure"
