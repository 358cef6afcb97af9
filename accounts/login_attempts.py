"""The model of sign-ins that failed lately."""

from django.db import models


class LoginAttempts(models.Model):
    """The failed sign-ins of one account, of one address, or of one account from one address.

    It holds keyed hashes only: people type passwords into the field for the name.
    """

    key = models.CharField(max_length=64, primary_key=True)
    account = models.CharField(max_length=64, blank=True, db_index=True)  # a hash; blank for all accounts of an address
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)  # the last success, of an account from an address

    class Meta:
        verbose_name_plural = "login attempts"

    def __str__(self) -> str:
        return f"{self.failures} failed sign-ins"
