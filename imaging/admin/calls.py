"""The log of calls of providers in the admin: a list with filters, what the calls of a period cost, and their pages."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.callers import caller_of
from attachments.links import links
from common.admin_base import ReadOnly, payload
from imaging.calls import OUTCOMES
from imaging.models import ProviderCall
from imaging.source import PROVIDER_CALLS
from recording.history import Cursor

MICRODOLLARS = 1_000_000
DAYS, MONTHS = 7, 3  # that the filter offers; a URL may name any
MOST_PROVIDERS = 20  # that the filter offers


class Period(admin.SimpleListFilter):
    """A day or a month, in UTC: one range of the index."""

    title = "day or month (UTC)"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """The last days and months."""
        days = [datetime.now(UTC).date() - timedelta(days=number) for number in range(DAYS)]
        months = [days[0].replace(day=1)]
        while len(months) < MONTHS:
            months.append((months[-1] - timedelta(days=1)).replace(day=1))
        return [(text, text) for text in (*(f"{day}" for day in days), *(f"{month:%Y-%m}" for month in months))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The calls of the period. Raises `IncorrectLookupParameters`."""
        if not (text := self.value()):
            return queryset
        try:
            first, end = _period(text)
        except (ValueError, OverflowError) as exc:
            raise IncorrectLookupParameters from exc
        return queryset.filter(recorded_at__gte=first, recorded_at__lt=end)


class _Equal(admin.SimpleListFilter):
    """The calls with one value in a column that has an index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The calls with the chosen value."""
        chosen = self.value()
        return queryset.filter((str(self.parameter_name), chosen)) if chosen else queryset


class Provider(_Equal):
    """Who answered."""

    title = parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """The providers in the log."""
        return [(name, name) for name in _providers()]


class Result(_Equal):
    """How the call ended."""

    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """All outcomes."""
        return [(name, name) for name in OUTCOMES]


@admin.register(ProviderCall)
class ProviderCallAdmin(ReadOnly):
    """Lists calls, newest first; of a day or a month, also what they cost."""

    noun = PROVIDER_CALLS.noun
    change_list_template = "admin/imaging/providercall/change_list.html"
    payloads = ("prompt", "answer", "error", "files")
    ordering = ("-recorded_at", "-id")
    list_display = ("recorded_at", "service", "provider", "model", "outcome", "cost", "latency", "caller", "job")
    list_filter = (Period, Provider, Result)
    parameters = tuple(each.parameter_name for each in list_filter)
    fields = (
        "id", *list_display, "model_version", "prompt_version", "prompt", "answer_json", "error",
        "file_links", "input_tokens", "output_tokens", "request_id", "created_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The calls that the user may see: none if the user sees certain doctors' rows only."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if caller_of(request).doctors is None else rows.none()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with the sums of the chosen period: those of the whole log would read all of it."""
        response: Any = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if (shown := context.get("cl")) and request.GET.get(Period.parameter_name):
            context["sums"] = sums(shown.queryset)
        return response  # type: ignore[no-any-return]

    def read_cursor(self, cursor: str) -> dict[str, Any]:
        """Decodes a cursor of history."""
        position = Cursor.of(cursor)
        return {"recorded_at": position.time, "id": position.id}

    def cursor_of(self, row: ProviderCall) -> str:
        """Encodes a row's position as a cursor of history."""
        return Cursor(time=row.recorded_at, id=row.id).opaque()

    @admin.display(description="cost (US dollars)")
    def cost(self, row: ProviderCall) -> Decimal:
        """Exact."""
        return _dollars(row.cost_microdollars)

    @admin.display(description="latency")
    def latency(self, row: ProviderCall) -> str:
        """Formatted with its unit."""
        return f"{row.latency_ms:.1f} ms"

    @admin.display(description="answer")
    def answer_json(self, row: ProviderCall) -> SafeString:
        """What was answered, without pictures."""
        return payload(row, "answer")

    @admin.display(description="pictures")
    def file_links(self, row: ProviderCall) -> SafeString:
        """A link to each picture."""
        files = links(PROVIDER_CALLS.name, {row.pk: row.files})[row.pk] if row.files else []
        described = ((each["url"], each["filename"], each["bytes"]) for each in files)
        return format_html_join(SafeString("<br>"), '<a href="{}">{}</a> ({} bytes)', described)


def sums(calls: QuerySet[Any]) -> list[dict[str, Any]]:
    """The number of calls, their tokens and their cost in US dollars: by provider, then of all."""
    counted = calls.order_by("provider").values("provider")
    columns = {name: Sum(name) for name in ("input_tokens", "output_tokens", "cost_microdollars")}
    found = list(counted.annotate(calls=Count("pk"), **columns))
    whole = {name: sum(row[name] for row in found) for name in ("calls", *columns)}
    return [row | {"cost": _dollars(row["cost_microdollars"])} for row in (*found, {"provider": "all"} | whole)]


def _dollars(microdollars: int) -> Decimal:
    return Decimal(microdollars) / MICRODOLLARS


def _period(text: str) -> tuple[datetime, datetime]:
    """The first moment of a day or a month, such as 2026-11-30 or 2026-11, and the first after it.

    Raises `ValueError` or `OverflowError`.
    """
    is_month = len(text) == len("2026-11")
    first = date.fromisoformat(f"{text}-01" if is_month else text)
    end = (first + timedelta(days=31)).replace(day=1) if is_month else first + timedelta(days=1)
    return _midnight(first), _midnight(end)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _providers() -> Iterator[str]:
    """The providers in the log; each takes one look at an index, however many calls there are."""
    last = ""
    for _ in range(MOST_PROVIDERS):
        names = ProviderCall.objects.filter(provider__gt=last).order_by("provider").values_list("provider", flat=True)
        if (found := names.first()) is None:
            return
        yield (last := found)
