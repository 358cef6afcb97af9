"""The log of calls of providers."""

from typing import ClassVar

from django.db import models

from common.encrypted_fields import EncryptedTextField
from imaging.records import ProviderCallRecord
from recording.models import SealedRow, history_indexes

_MAX = ProviderCallRecord.MAX_LENGTHS


class ProviderCall(SealedRow):
    """One call of a model, one's own or a provider's, successful or not. Its pictures are attachments."""

    service = models.CharField(max_length=_MAX["service"], help_text="What was asked for, such as desk_classify.")
    provider = models.CharField(max_length=_MAX["provider"], help_text="Who answers. `local` is this machine.")
    model = models.CharField(max_length=_MAX["model"])
    model_version = models.CharField(max_length=_MAX["model_version"], blank=True)
    prompt_version = models.CharField(max_length=_MAX["prompt_version"], blank=True)
    prompt = EncryptedTextField(blank=True)
    answer = EncryptedTextField(blank=True, help_text="What it answered, as JSON text, without pictures.")
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cost_microdollars = models.BigIntegerField(help_text="Millionths of a US dollar.")
    latency_ms = models.FloatField()
    outcome = models.CharField(max_length=_MAX["outcome"], help_text="succeeded, refused, quota, timed-out or failed.")
    error = EncryptedTextField(blank=True)
    job = models.CharField(max_length=_MAX["job"], blank=True, help_text="The job that it was part of, if any.")
    caller = models.CharField(max_length=_MAX["caller"], blank=True)
    request_id = models.CharField(max_length=_MAX["request_id"], blank=True)
    files = EncryptedTextField(db_default="", blank=True, help_text="Attachments: see attachments.descriptors.")

    class Meta:
        verbose_name = "provider call"
        indexes: ClassVar = history_indexes("provider_call", "service", "caller", "job")
