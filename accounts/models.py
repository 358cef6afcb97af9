"""The access log, and who is named in it."""

from typing import ClassVar

from django.db import models

from accounts.access_log.records import AccessRecord
from common.person_names import MAX_LENGTH
from recording.models import SealedRow, history_indexes

_MAX = AccessRecord.MAX_LENGTHS


class AccessLog(SealedRow):
    """One access: a look at patient data, a sign-in, a change of rights, or a failed prediction."""

    account = models.CharField(max_length=_MAX["account"], blank=True, help_text="Who; blank for an anonymous caller.")
    token_id = models.CharField(max_length=_MAX["token_id"], blank=True, help_text="The API token, if one was used.")
    address = models.CharField(max_length=_MAX["address"], blank=True, help_text="The caller's IP address.")
    method = models.CharField(max_length=_MAX["method"], blank=True)
    route = models.CharField(max_length=_MAX["route"], blank=True, help_text="The route, without ids and names.")
    action = models.CharField(max_length=_MAX["action"])
    filters = models.TextField(help_text="What was asked for, as a JSON object.")
    row_count = models.BigIntegerField(help_text="How many rows were shown.")
    patients = models.TextField(help_text="The names of the patients, as a JSON array.")
    doctors = models.TextField(help_text="The names of the doctors, as a JSON array.")
    purpose = models.CharField(max_length=_MAX["purpose"], blank=True, help_text="Why, as the caller said.")
    status = models.PositiveSmallIntegerField()
    detail = models.CharField(max_length=_MAX["detail"], blank=True, help_text="Why it failed, or what was changed.")
    request_id = models.CharField(max_length=_MAX["request_id"], blank=True)

    class Meta:
        verbose_name = "access"
        verbose_name_plural = "access log"
        indexes: ClassVar = history_indexes("access", "account")


class AccessSubject(models.Model):
    """A person whom an entry of the access log names: an index of `AccessLog.patients` and `AccessLog.doctors`.

    It is derived: written in the entry's transaction, and compared with the entry by `verify_log`.
    """

    class Kind(models.TextChoices):
        """Who the person is."""

        PATIENT = "patient"
        DOCTOR = "doctor"

    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=MAX_LENGTH)
    account = models.CharField(max_length=_MAX["account"], blank=True)
    recorded_at = models.DateTimeField()
    # No constraint, as for feedback: it would prevent detaching a month of the log.
    access = models.ForeignKey(AccessLog, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["access", "kind", "name"], name="access_subject_once")]
        # As `history_indexes`: each look-up is one range of one index.
        indexes: ClassVar = [
            models.Index(fields=["-kind", "-name", "-recorded_at", "-access"], name="access_subject_by_name"),
            models.Index(
                fields=["-kind", "-name", "-account", "-recorded_at", "-access"], name="access_subject_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.access_id}"
