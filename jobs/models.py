"""Jobs, outputs of their stages, and their completion webhooks."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.encrypted_fields import EncryptedTextField
from common.ids import uuid7


class Job(models.Model):
    """One long run that a caller can name. Its row is written before its message is queued.

    The runner holds a lease and renews it. If the runner dies, the sweeper finds the job by its expired lease.
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
    kind = models.CharField(max_length=40, help_text="The name of its job kind.")
    concurrency_key = models.CharField(  # noqa: DJ001 - null is not unique
        max_length=100, null=True, help_text="Only one active job may have this key; null does not conflict."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    percent = models.PositiveSmallIntegerField(default=0)
    message = EncryptedTextField(blank=True)
    params = EncryptedTextField(default="{}", help_text="The request's body, as the received JSON text.")
    result = EncryptedTextField(null=True, help_text="The job's result, as JSON text.")
    error = EncryptedTextField(null=True)  # no error is null, in the API too
    requested_by = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # How the job is run.
    is_synchronous = models.BooleanField(
        default=False, help_text="The caller waits for the result, so the job is never retried."
    )
    queued_at = models.DateTimeField(null=True, help_text="When the job last entered the queue.")
    resend_at = models.DateTimeField(
        null=True, help_text="When its message counts as lost, if the job is still queued."
    )
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="The number of the current attempt; runners of earlier attempts cannot write."
    )
    leased_until = models.DateTimeField(
        null=True, help_text="When the runner counts as dead, unless it renews the lease."
    )
    # A repeated request with the same key returns the job that the first one created; cleared after 24 h.
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is not unique
    request_digest = models.CharField(
        max_length=64, blank=True, help_text="Keyed hash of method, path, query and body, in hex."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["concurrency_key"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_active_for_a_key",
            ),
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="job_idempotency_key_once"),
            models.CheckConstraint(
                condition=~Q(state="queued") | Q(queued_at__isnull=False, resend_at__isnull=False),
                name="job_queued_can_be_resent",
            ),
            models.CheckConstraint(
                condition=~Q(state="queued", cancel_requested=True), name="job_cancelled_is_not_queued"
            ),
        ]
        permissions: ClassVar = [("view_payload", "Can see the parameters and results of all jobs")]
        # A kind's jobs, newest first: in all states, or in one.
        indexes: ClassVar = [
            models.Index(fields=["kind", "-id"], name="job_by_kind"),
            models.Index(fields=["kind", "state", "-id"], name="job_by_kind_and_state"),
            models.Index(fields=["state"], name="job_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class StageOutput(models.Model):
    """What one stage of a job made. A later attempt goes on behind the last one. Deleted once the job has ended."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="stage_outputs")
    stage = models.CharField(max_length=40)
    output = EncryptedTextField(help_text="JSON text.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "stage"], name="stage_output_once")]

    def __str__(self) -> str:
        return f"{self.stage} of {self.job_id}"


class WebhookDelivery(models.Model):
    """The webhook of one job: pending, delivered, or given up."""

    class State(models.TextChoices):
        """`waiting → delivered | given up`."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given up"

    id = models.UUIDField(
        primary_key=True, default=uuid7, editable=False, help_text="The webhook's id, the same on every attempt."
    )
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="callback")
    url = models.CharField(max_length=2000)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True, help_text="When to try next; null until the job has ended.")
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True, help_text="Why the last attempt failed.")
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="callback_due"),
        ]

    def __str__(self) -> str:
        return str(self.id)
