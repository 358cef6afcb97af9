"""The shapes that OpenAPI shows. The views build their answers themselves, so as not to parse stored JSON again."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from ml_proxy.models import InferenceLog, Job
from ml_proxy.rows import Row

JOB_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "description": "What the model server's retrain takes; may be empty.",
        "properties": {
            "model": {"type": "string"},
            "params": {"type": "object"},
            "callback_url": {
                "type": "string",
                "format": "uri",
                "description": "Gets the ended job by POST, signed as the Standard Webhooks specification says.",
            },
        },
    }
}

FILTER_FIELDS = (
    OpenApiParameter("doctor", str, description="Whole name. Blank is as good as none."),
    OpenApiParameter("patient", str, description="Whole name. Where both are given, both must match."),
    OpenApiParameter("since", str, description="ISO 8601, inclusive; UTC where it has no offset."),
    OpenApiParameter("until", str, description="ISO 8601, exclusive; UTC where it has no offset."),
)


def sent_field(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """A header field of the answers with these statuses."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=list(statuses)
    )


@extend_schema_serializer(component_name="Inference")
class InferenceSchema(serializers.ModelSerializer[InferenceLog]):
    """One inference."""

    input_data = serializers.JSONField(read_only=True, help_text="The whole request body, as it came.")
    output_data = serializers.JSONField(read_only=True, help_text="The model's answer, as it came.")

    class Meta:
        model = InferenceLog
        fields = Row._fields
        read_only_fields = fields


@extend_schema_serializer(component_name="Progress")
class ProgressSchema(serializers.Serializer[Any]):
    """How far a job is."""

    percent = serializers.IntegerField(min_value=0, max_value=100, read_only=True)
    message = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="Job")
class JobSchema(serializers.ModelSerializer[Job]):
    """One job."""

    progress = ProgressSchema(read_only=True)
    params = serializers.JSONField(read_only=True, help_text="The request's body, as it came, less callback_url.")
    result = serializers.JSONField(read_only=True, help_text="The model server's answer; null until there is one.")

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "state",
            "progress",
            "params",
            "result",
            "error",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields
