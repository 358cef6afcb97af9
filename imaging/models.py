"""The log of calls of providers, what they may cost, and the catalogue of products."""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models

from common.encrypted_fields import EncryptedTextField
from common.ids import uuid7
from imaging.records import ProviderCallRecord
from imaging.validators import http_url, one_line
from jobs.models import Job
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
        indexes: ClassVar = history_indexes("provider_call", "service", "provider", "outcome", "caller", "job")


class CatalogueProduct(models.Model):
    """A product that a shop sells. The URL in the shop identifies it, so importing it again replaces it."""

    name = models.CharField(max_length=300, validators=[one_line])
    price = models.PositiveIntegerField(
        validators=[MaxValueValidator(10**9)], help_text="In whole units of the shop's currency, such as won."
    )
    purchase_place = models.CharField(max_length=100, validators=[one_line], help_text="The shop.")
    purchase_url = models.CharField(max_length=1000, unique=True, validators=[http_url])
    image_url = models.CharField(max_length=1000, blank=True, validators=[http_url])
    main_category = models.CharField(max_length=100, validators=[one_line])
    sub_category = models.CharField(max_length=100, blank=True, validators=[one_line])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "product"

    def __str__(self) -> str:
        return self.name


class CatalogueTerm(models.Model):
    """A term of a product, by which it is found: see `imaging.products`."""

    pk = models.CompositePrimaryKey("product_id", "term")
    product = models.ForeignKey(CatalogueProduct, models.CASCADE, db_index=False)
    term = models.CharField(max_length=32)
    weight = models.PositiveSmallIntegerField(help_text="How much of the product it is.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["term", "-weight", "product"], name="catalogue_term_best")]

    def __str__(self) -> str:
        return self.term


class NaverSearch(models.Model):
    """What Naver Shopping answered for a keyword; kept so that the same keyword takes no quota."""

    keyword = models.CharField(max_length=100, unique=True)
    products = models.TextField(help_text="As JSON.")
    fetched_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.keyword


class DailyQuota(models.Model):
    """The calls of a provider on one day of its calendar."""

    provider = models.CharField(max_length=64)
    day = models.DateField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "day"], name="daily_quota_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.day}"


class CostReservation(models.Model):
    """What one call of a provider may cost: reserved in the database before the call, and replaced by its real cost.

    `started_at` says that the call may have been sent. A row that has no `settled_at` keeps its reserved cost.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="The id of the call's record.")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    stage = models.CharField(max_length=40)
    caller = models.CharField(max_length=150, blank=True)
    day = models.DateField(help_text="In UTC.")
    microdollars = models.BigIntegerField(help_text="Millionths of a US dollar.")
    started_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["caller", "day"], name="cost_by_caller_and_day")]

    def __str__(self) -> str:
        return str(self.id)
