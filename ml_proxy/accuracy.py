"""How often doctors agreed, by model, version and time: counted over the newest verdict of each inference."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Count, DateField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Trunc

from ml_proxy.models import Feedback

PERIODS = ("day", "week", "month")
MOST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class FeedbackFilter:
    """Which predictions, by their model and their time: `since` is inclusive, `until` exclusive."""

    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Accuracy(NamedTuple):
    """One model version in one period, which begins with the UTC day `period`; a week begins on Monday."""

    model_name: str
    model_version: str
    period: str
    agreed: int
    corrected: int
    accuracy: float


def about(wanted: FeedbackFilter) -> QuerySet[Feedback]:
    """All verdicts about the predictions that are asked for."""
    conditions = {
        "model_name": wanted.model,
        "predicted_at__gte": wanted.since,
        "predicted_at__lt": wanted.until,
    }
    return Feedback.objects.filter(**{name: value for name, value in conditions.items() if value is not None})


def newest(last: int = MOST_ID) -> Subquery:
    """The id of the newest verdict of a verdict's inference, of those up to the id `last`.

    It is looked up for each row. Asked whether there is none later, PostgreSQL may read the whole table to tell.
    """
    same = Feedback.objects.filter(inference=OuterRef("inference"), id__lte=last)
    return Subquery(same.order_by("-id").values("id")[:1])


def newest_id() -> int:
    """The last verdict's, of all inferences; 0 where there is none."""
    return Feedback.objects.order_by("-id").values_list("id", flat=True).first() or 0


def accuracy(wanted: FeedbackFilter, by: str) -> list[Accuracy]:
    """The oldest period first. One statement; none of the log is read."""
    kinds: dict[str, Any] = {
        "agreed": Count("id", filter=Q(verdict=Feedback.Verdict.AGREE)),
        "corrected": Count("id", filter=Q(verdict=Feedback.Verdict.CORRECT)),
    }
    period = Trunc("predicted_at", by, output_field=DateField(), tzinfo=UTC)
    verdicts = about(wanted).filter(id=newest()).annotate(period=period)
    counted = verdicts.values("model_name", "model_version", "period").annotate(**kinds)
    return [
        Accuracy(name, version, period.isoformat(), agreed, corrected, agreed / (agreed + corrected))
        for name, version, period, agreed, corrected in counted.order_by(
            "period", "model_name", "model_version"
        ).values_list("model_name", "model_version", "period", "agreed", "corrected")
    ]
