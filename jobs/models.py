"""Jobs, and the webhooks that tell how they ended."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.ids import uuid7


class Job(models.Model):
    """One long run that a caller can name. Its row exists before anything is queued.

    Its runner holds a lease and renews it. A job whose runner died is found by its expired lease.
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
        max_length=100, null=True, help_text="One active job at a time has this key; none is shared with no other."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    percent = models.PositiveSmallIntegerField(default=0)
    message = models.CharField(max_length=200, blank=True)
    params = models.TextField(default="{}", help_text="The request's body, JSON as it came.")
    result = models.TextField(null=True, help_text="What came of it, JSON.")  # noqa: DJ001
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
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="Which run this is; runners of earlier attempts cannot write."
    )
    leased_until = models.DateTimeField(
        null=True, help_text="When its runner counts as dead, unless it renews the lease."
    )
    # A caller's own key, so that the same request again finds the job that it made; emptied after 24 h.
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is not unique
    body_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the request's body, in hex.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["concurrency_key"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_active_for_a_key",
            ),
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="job_idempotency_key_once"),
        ]
        # The list of a kind, newest first, of all states or of one.
        indexes: ClassVar = [
            models.Index(fields=["kind", "-id"], name="job_by_kind"),
            models.Index(fields=["kind", "state", "-id"], name="job_by_kind_and_state"),
            models.Index(fields=["state"], name="job_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class WebhookDelivery(models.Model):
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
