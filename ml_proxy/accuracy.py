"""Accuracy by model, version and period, computed from the newest verdict on each inference."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Count, DateField, Q, QuerySet
from django.db.models.functions import Trunc

from common.row_scope import Scope
from ml_proxy.models import Feedback
from ml_proxy.source import INFERENCES

PERIODS = ("day", "week", "month")


@dataclass(frozen=True, kw_only=True)
class FeedbackFilter:
    """Selects predictions within a row scope, by model and time; `since` is inclusive, `until` exclusive."""

    scope: Scope
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Accuracy(NamedTuple):
    """The accuracy of one model version in one period, whose first UTC day is `period`; weeks start on Monday."""

    model_name: str
    model_version: str
    period: str
    agreed: int
    corrected: int
    accuracy: float


def select_feedback(wanted: FeedbackFilter) -> QuerySet[Feedback]:
    """Returns all verdicts on the selected predictions."""
    conditions = {
        "model_name": wanted.model,
        "predicted_at__gte": wanted.since,
        "predicted_at__lt": wanted.until,
    }
    given = {name: value for name, value in conditions.items() if value is not None}
    return Feedback.objects.filter(**given, **INFERENCES.within(wanted.scope, "inference__"))


def accuracy(wanted: FeedbackFilter, by: str) -> list[Accuracy]:
    """Returns one entry per version and period, oldest period first.

    Runs one query, which reads the log only for a caller with a row scope.
    """
    counts: dict[str, Any] = {
        "agreed": Count("id", filter=Q(verdict=Feedback.Verdict.AGREE)),
        "corrected": Count("id", filter=Q(verdict=Feedback.Verdict.CORRECT)),
    }
    period = Trunc("predicted_at", by, output_field=DateField(), tzinfo=UTC)
    verdicts = select_feedback(wanted).filter(position=Feedback.newest()).annotate(period=period)
    counted = verdicts.values("model_name", "model_version", "period").annotate(**counts)
    return [
        Accuracy(name, version, period.isoformat(), agreed, corrected, agreed / (agreed + corrected))
        for name, version, period, agreed, corrected in counted.order_by(
            "period", "model_name", "model_version"
        ).values_list("model_name", "model_version", "period", "agreed", "corrected")
    ]
