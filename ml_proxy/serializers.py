"""The shapes of predictions' paths, for OpenAPI.

The views build their answers themselves, so as not to parse stored JSON again.
"""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from common.schemas import SPAN_FIELDS
from ml_proxy.models import MAX_LABEL, MAX_NOTE, Feedback, InferenceLog
from ml_proxy.rows import Row

RETRAIN_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "description": "What the model server's retrain takes; may be empty.",
        "properties": {
            "model": {"type": "string"},
            "params": {"type": "object"},
            "verdicts": {
                "description": (
                    "Has the training learn from judged inferences: true for all of the model that is trained, or "
                    "which. They are read when the job runs, the newest verdicts where not all fit into "
                    "RETRAIN_BODY_BYTES; the result's `verdicts` counts them. Needs the permission to export them."
                ),
                "oneOf": [
                    {"type": "boolean"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "model": {"type": "string", "description": "A model's whole name, as in the log."},
                            "since": {"type": "string", "description": "Of the prediction; ISO 8601, inclusive."},
                            "until": {"type": "string", "description": "Of the prediction; ISO 8601, exclusive."},
                        },
                    },
                ],
            },
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
    *SPAN_FIELDS,
)
MODEL_FIELDS = (OpenApiParameter("model", str, description="A model's whole name, as it is."), *SPAN_FIELDS)

FEEDBACK_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "required": ["verdict"],
        "additionalProperties": False,
        "properties": {
            "verdict": {"type": "string", "enum": Feedback.Verdict.values},
            "label": {
                "type": ["string", "null"],
                "maxLength": MAX_LABEL,
                "description": "To correct: what the model should have said. To agree: nothing, or what it said.",
            },
            "note": {"type": ["string", "null"], "maxLength": MAX_NOTE},
        },
    }
}


@extend_schema_serializer(component_name="File")
class FileSchema(serializers.Serializer[Any]):
    """A file of an input, and a link to it."""

    pointer = serializers.CharField(help_text="Where in input_data it belongs, a JSON pointer; blank for all of it.")
    filename = serializers.CharField()
    content_type = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField(help_text="Gives the file to whoever asks, relative to this gateway or absolute.")
    expires_at = serializers.DateTimeField(help_text="Until when; history gives a new one.")


@extend_schema_serializer(component_name="Inference")
class InferenceSchema(serializers.ModelSerializer[InferenceLog]):
    """One inference."""

    input_data = serializers.JSONField(read_only=True, help_text="The whole request body, as it came.")
    output_data = serializers.JSONField(read_only=True, help_text="The model's answer, as it came.")
    files = FileSchema(many=True, required=False, help_text="Only where there are any.")

    class Meta:
        model = InferenceLog
        fields = (*Row._fields, "files")
        read_only_fields = fields


@extend_schema_serializer(component_name="Feedback")
class FeedbackSchema(serializers.ModelSerializer[Feedback]):
    """What a doctor said of one inference."""

    inference_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = Feedback
        fields = ("id", "inference_id", "verdict", "label", "note", "caller", "created_at")
        read_only_fields = fields


@extend_schema_serializer(component_name="Accuracy")
class AccuracySchema(serializers.Serializer[Any]):
    """How often doctors agreed with one version of a model, of the predictions of one period that they judged."""

    model_name = serializers.CharField(read_only=True)
    model_version = serializers.CharField(read_only=True)
    period = serializers.DateField(read_only=True, help_text="The period's first day, in UTC; a week's is its Monday.")
    agreed = serializers.IntegerField(read_only=True)
    corrected = serializers.IntegerField(read_only=True)
    accuracy = serializers.FloatField(read_only=True, help_text="agreed / (agreed + corrected)")
