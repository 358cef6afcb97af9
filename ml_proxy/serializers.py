"""Schemas of history, feedback and retrains for OpenAPI.

The views build their own responses to avoid parsing stored JSON.
"""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from common.schemas import NAME_PATTERN, SPAN_FIELDS, TEXT_PATTERN
from ml_proxy.models import MAX_LABEL, MAX_NOTE, Feedback, InferenceLog
from ml_proxy.rows import Row

RETRAIN_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "description": "The body of the model server's retrain; may be empty.",
        "properties": {
            "model": {"type": "string"},
            "params": {"type": "object"},
            "verdicts": {
                "description": (
                    "Trains on judged inferences: true for all of the trained model's, or an object that selects "
                    "some. They are read when the job runs. If they do not all fit into RETRAIN_BODY_BYTES, the "
                    "newest verdicts are used; the result's `verdicts` counts them. Requires the export permission."
                ),
                "oneOf": [
                    {"type": "boolean"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "model": {"type": "string", "description": "A model's full name, as in the log."},
                            "since": {"type": "string", "description": "Prediction time, inclusive; ISO 8601."},
                            "until": {"type": "string", "description": "Prediction time, exclusive; ISO 8601."},
                        },
                    },
                ],
            },
            "callback_url": {
                "type": "string",
                "format": "uri",
                "description": "Receives the ended job as a POST, signed according to the Standard Webhooks "
                "specification.",
            },
        },
    }
}

_MODEL = "A model's full name; must match exactly."
FILTER_FIELDS = (
    OpenApiParameter("doctor", str, description="Full name. Blank counts as missing."),
    OpenApiParameter("patient", str, description="Full name. If both names are given, both must match."),
    OpenApiParameter("model", str, description=f"{_MODEL} Not together with patient."),
    OpenApiParameter(
        "verdict",
        str,
        enum=Feedback.Verdict.values,
        description="The newest verdict on the inference. Not together with patient. Needs the right to read verdicts.",
    ),
    *SPAN_FIELDS,
)
MODEL_FIELDS = (OpenApiParameter("model", str, description=_MODEL), *SPAN_FIELDS)

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
                "description": "For correct: the label that is right. For agree: omitted, or the model's label.",
            },
            "note": {"type": ["string", "null"], "maxLength": MAX_NOTE, "pattern": TEXT_PATTERN},
        },
        "anyOf": [
            {"properties": {"verdict": {"const": "agree"}, "label": {"type": "null"}}},
            {"properties": {"label": {"type": "string", "pattern": NAME_PATTERN}}, "required": ["label"]},
        ],
    }
}


@extend_schema_serializer(component_name="File")
class FileSchema(serializers.Serializer[Any]):
    """A file of an input, with a link to it."""

    pointer = serializers.CharField(help_text="JSON pointer to its place in input_data; blank for the whole input.")
    filename = serializers.CharField()
    content_type = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField(help_text="Returns the file without sign-in; absolute, or relative to this gateway.")
    expires_at = serializers.DateTimeField(help_text="When the link expires; history returns a new one.")


@extend_schema_serializer(component_name="Inference")
class InferenceSchema(serializers.ModelSerializer[InferenceLog]):
    """One inference."""

    input_data = serializers.JSONField(read_only=True, help_text="The whole request body, unchanged.")
    output_data = serializers.JSONField(read_only=True, help_text="The model's answer, unchanged.")
    files = FileSchema(many=True, required=False, help_text="Only present if there are files.")

    class Meta:
        model = InferenceLog
        fields = (*Row._fields, "files")
        read_only_fields = fields


@extend_schema_serializer(component_name="Feedback")
class FeedbackSchema(serializers.ModelSerializer[Feedback]):
    """A doctor's verdict on one inference."""

    id = serializers.IntegerField(source="position", read_only=True, help_text="A later verdict has a higher id.")
    inference_id = serializers.UUIDField(read_only=True)
    label = serializers.CharField(read_only=True, allow_null=True)  # type: ignore[assignment] # `Field` has it too
    created_at = serializers.DateTimeField(read_only=True, help_text="When the verdict was given.")

    class Meta:
        model = Feedback
        fields = ("id", "inference_id", "verdict", "label", "note", "caller", "created_at")
        read_only_fields = fields


@extend_schema_serializer(component_name="Accuracy")
class AccuracySchema(serializers.Serializer[Any]):
    """How often doctors agreed with one model version, among the judged predictions of one period."""

    model_name = serializers.CharField(read_only=True)
    model_version = serializers.CharField(read_only=True)
    period = serializers.DateField(read_only=True, help_text="The period's first day in UTC; weeks start on Monday.")
    agreed = serializers.IntegerField(read_only=True)
    corrected = serializers.IntegerField(read_only=True)
    accuracy = serializers.FloatField(read_only=True, help_text="agreed / (agreed + corrected)")
