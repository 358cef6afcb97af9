"""API tokens, whose records a user may see, the access log with whom it names, and failed sign-ins."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts import scopes
from accounts.access_log.records import AccessRecord
from accounts.login_attempts import LoginAttempts as LoginAttempts  # noqa: PLC0414 - a table of this app
from common import person_names
from common.encrypted_fields import EncryptedTextField
from common.ids import uuid7
from recording.models import SealedRow, history_indexes

_MAX = AccessRecord.MAX_LENGTHS


class ApiToken(models.Model):
    """A token of a user. The token itself is shown once; this row has its digest.

    The digest is plain SHA-256: a token has 256 random bits, so nobody can guess what a fast hash was made of.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What the token is for, or where it is kept.")
    prefix = models.CharField(max_length=12, editable=False, help_text="The token's first characters.")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token, in hex.")
    scopes = models.CharField(max_length=200, blank=True, help_text="Separated by blanks; none: all that the user may.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="In UTC; empty: never.")
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")

    class Meta:
        verbose_name = "API token"
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"], name="api_token_by_user")]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    def clean(self) -> None:
        """Raises `ValidationError` for an unknown scope."""
        try:
            self.scopes = scopes.canonical(self.scopes.split())
        except scopes.UnknownScope as exc:
            raise ValidationError({"scopes": str(exc)}) from exc


class Profile(models.Model):
    """The doctors whose records a user may see and predict for, unless a permission allows all."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    doctor_name = models.CharField(
        max_length=person_names.MAX_LENGTH,
        blank=True,
        help_text="The user's name in predictions. Empty: the full name if there is one, else the user name.",
    )
    acts_for = models.TextField(
        blank=True, help_text="For services: the doctors whose predictions they send, one name a line."
    )

    class Meta:
        permissions: ClassVar = [("access_all_doctors", "Can see and predict for all doctors")]

    def __str__(self) -> str:
        return str(self.user)

    def clean(self) -> None:
        """Brings the names into their canonical form. Raises `ValidationError`."""
        try:
            self.doctor_name = person_names.canonical(self.doctor_name) if self.doctor_name.strip() else ""
            self.acts_for = "\n".join(
                person_names.canonical(line) for line in self.acts_for.splitlines() if line.strip()
            )
        except person_names.BadName as exc:
            raise ValidationError(f"A name {exc}.") from exc


class RoleGrant(models.Model):
    """A permission that a shipped role was given. If an administrator takes it away, nothing gives it again."""

    role = models.CharField(max_length=150)
    permission = models.CharField(max_length=255, help_text="app.codename")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "permission"], name="role_grant_once")]

    def __str__(self) -> str:
        return f"{self.role}: {self.permission}"


class AccessLog(SealedRow):
    """One access: a look at patient data, a sign-in, a change of rights, or a failed prediction."""

    account = models.CharField(max_length=_MAX["account"], blank=True, help_text="Who; blank for an anonymous caller.")
    token_id = models.CharField(max_length=_MAX["token_id"], blank=True, help_text="The API token, if one was used.")
    address = models.CharField(max_length=_MAX["address"], blank=True, help_text="The caller's IP address.")
    method = models.CharField(max_length=_MAX["method"], blank=True)
    route = models.CharField(max_length=_MAX["route"], blank=True, help_text="The route, without ids and names.")
    action = models.CharField(max_length=_MAX["action"])
    filters = EncryptedTextField(help_text="What was asked for, as a JSON object.")
    row_count = models.BigIntegerField(help_text="How many rows were shown.")
    patients = EncryptedTextField(help_text="The names of the patients, as a JSON array.")
    doctors = EncryptedTextField(help_text="The names of the doctors, as a JSON array.")
    purpose = EncryptedTextField(blank=True, help_text="Why, as the caller said.")
    status = models.PositiveSmallIntegerField()
    detail = EncryptedTextField(blank=True, help_text="Why it failed, or what was changed.")
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
    name_key = models.UUIDField(help_text="The keyed hash of the name: see `recording.lookups`.")
    account = models.CharField(max_length=_MAX["account"], blank=True)
    recorded_at = models.DateTimeField()
    # No constraint, as for feedback: it would prevent detaching a month of the log.
    access = models.ForeignKey(AccessLog, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["access", "kind", "name_key"], name="access_subject_once")
        ]
        # As `history_indexes`: each look-up is one range of one index.
        indexes: ClassVar = [
            models.Index(fields=["-kind", "-name_key", "-recorded_at", "-access"], name="access_subject_by_name"),
            models.Index(
                fields=["-kind", "-name_key", "-account", "-recorded_at", "-access"], name="access_subject_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.access_id}"
