"""Schemas of insight for OpenAPI."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

_NUMBER, _INTEGER = {"type": "number"}, {"type": "integer", "minimum": 0}


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


_LATENCY = {
    **_object(**dict.fromkeys(("p50", "p90", "p95", "p99"), _NUMBER)),
    "type": ["object", "null"],
    "description": "Percentiles of the model server's response time in milliseconds.",
}
_DAY = _object(
    day={"type": "string", "format": "date"},
    count=_INTEGER,
    classes={"type": "object", "additionalProperties": _INTEGER, "description": "Inferences by the surest class."},
    latency_ms=_LATENCY,
)
_JUDGED = {
    "agreed": _INTEGER,
    "corrected": _INTEGER,
    "accuracy": _NUMBER,
    "low": {**_NUMBER, "description": "The lower end of the 95% Wilson interval."},
    "high": {**_NUMBER, "description": "The upper end."},
}


@extend_schema_field({"type": "array", "items": _DAY})
class _Days(serializers.JSONField):
    """Each day of the period, oldest first."""


@extend_schema_field({"type": "array", "items": _object(label={"type": "string"}, count=_INTEGER)})
class _Classes(serializers.JSONField):
    """The most frequent classes."""


@extend_schema_field(_object(bins={"type": "integer"}, counts={"type": "array", "items": _INTEGER}))
class _Histogram(serializers.JSONField):
    """Equal bins from 0 to 1."""


@extend_schema_field(_LATENCY)
class _Latency(serializers.JSONField):
    """Percentiles."""


@extend_schema_field(
    {
        "type": "array",
        "items": _object(model_name={"type": "string"}, model_version={"type": "string"}, count=_INTEGER),
    }
)
class _Models(serializers.JSONField):
    """Versions that answered."""


@extend_schema_field({"type": "array", "items": _object(period={"type": "string", "format": "date"}, **_JUDGED)})
class _Periods(serializers.JSONField):
    """Periods, oldest first."""


@extend_schema_field(
    {
        "type": "array",
        "items": _object(
            pointer={"type": "string"},
            value={},
            bounds={"type": ["array", "null"], "items": _NUMBER, "description": "Least and greatest in training."},
        ),
    }
)
class _Outside(serializers.JSONField):
    """Inputs that the training data does not cover."""


@extend_schema_serializer(component_name="InsightOverview")
class OverviewSchema(serializers.Serializer[Any]):
    """What the models answered in a period."""

    since = serializers.DateTimeField(read_only=True)
    until = serializers.DateTimeField(read_only=True)
    timezone = serializers.CharField(read_only=True)
    model = serializers.CharField(read_only=True, allow_null=True)
    total = serializers.IntegerField(read_only=True)
    sampled = serializers.IntegerField(read_only=True, help_text="The rows that were read.")
    is_complete = serializers.BooleanField(
        read_only=True, help_text="Whether every row was read: nothing is estimated."
    )
    days = _Days(read_only=True)
    classes = _Classes(read_only=True)
    confidence = _Histogram(read_only=True)
    latency_ms = _Latency(read_only=True)
    models = _Models(read_only=True)


@extend_schema_serializer(component_name="InsightAccuracy")
class AgreementSchema(serializers.Serializer[Any]):
    """How often doctors agreed with one model version."""

    model_name = serializers.CharField(read_only=True)
    model_version = serializers.CharField(read_only=True)
    agreed = serializers.IntegerField(read_only=True)
    corrected = serializers.IntegerField(read_only=True)
    accuracy = serializers.FloatField(read_only=True)
    low = serializers.FloatField(read_only=True, help_text="The lower end of the 95% Wilson interval.")
    high = serializers.FloatField(read_only=True, help_text="The upper end.")
    periods = _Periods(read_only=True)


@extend_schema_serializer(component_name="InsightInput")
class InputSchema(serializers.Serializer[Any]):
    """One input, compared with the training data. The last of the counts is that of missing values."""

    pointer = serializers.CharField(read_only=True, help_text="JSON pointer into the request's body.")
    psi = serializers.FloatField(read_only=True, help_text="Population stability index.")
    p_value = serializers.FloatField(read_only=True)
    q_value = serializers.FloatField(read_only=True, help_text="The p-value, corrected for the number of inputs.")
    drifted = serializers.BooleanField(read_only=True)
    outside = serializers.IntegerField(read_only=True, help_text="Values that the training data does not cover.")
    missing = serializers.IntegerField(read_only=True)
    edges = serializers.ListField(child=serializers.FloatField(), read_only=True, help_text="Between bins of numbers.")
    categories = serializers.ListField(child=serializers.CharField(), read_only=True)
    reference = serializers.ListField(child=serializers.IntegerField(), read_only=True, help_text="Counts in training.")
    observed = serializers.ListField(child=serializers.IntegerField(), read_only=True, help_text="Counts in the log.")


@extend_schema_serializer(component_name="InsightDrift")
class DriftSchema(serializers.Serializer[Any]):
    """Recent inputs against the training data of the version in service."""

    since = serializers.DateTimeField(read_only=True)
    until = serializers.DateTimeField(read_only=True)
    model_name = serializers.CharField(read_only=True)
    model_version = serializers.CharField(read_only=True)
    reference_rows = serializers.IntegerField(read_only=True)
    sampled = serializers.IntegerField(read_only=True)
    reason = serializers.CharField(read_only=True, allow_null=True, help_text="Why nothing was compared.")
    drifted = serializers.IntegerField(read_only=True, help_text="How many inputs have drifted.")
    inputs = InputSchema(many=True, read_only=True)


@extend_schema_serializer(component_name="InsightCandidate")
class CandidateSchema(serializers.Serializer[Any]):
    """An inference that a doctor should look at."""

    id = serializers.UUIDField(read_only=True)
    doctor_name = serializers.CharField(read_only=True)
    patient_name = serializers.CharField(read_only=True)
    predicted_at = serializers.DateTimeField(read_only=True)
    model_name = serializers.CharField(read_only=True)
    model_version = serializers.CharField(read_only=True)
    label = serializers.CharField(read_only=True, allow_null=True)  # type: ignore[assignment] # `Field` has it too
    confidence = serializers.FloatField(read_only=True, allow_null=True)
    uncertainty = serializers.FloatField(read_only=True)
    drift = serializers.FloatField(read_only=True)
    score = serializers.FloatField(read_only=True)
    outside = _Outside(read_only=True)
