"""The shapes that OpenAPI shows. The views build their answers themselves, so as not to parse stored JSON again."""

from typing import Any

from rest_framework import serializers

from ml_proxy.models import InferenceLog, Job

JOB_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "description": "What the model server's retrain takes; may be empty.",
        "properties": {"model": {"type": "string"}, "params": {"type": "object"}},
    }
}


class InferenceSchema(serializers.ModelSerializer[InferenceLog]):
    """One inference."""

    input_data = serializers.JSONField(help_text="The whole request body, as it came.")
    output_data = serializers.JSONField(help_text="The model's answer, as it came.")

    class Meta:
        model = InferenceLog
        fields = (
            "id",
            "doctor_name",
            "patient_name",
            "input_data",
            "output_data",
            "created_at",
            "predicted_at",
            "latency_ms",
            "model_name",
            "model_version",
            "request_id",
            "caller",
        )


class ProgressSchema(serializers.Serializer[Any]):
    """How far a job is."""

    percent = serializers.IntegerField(min_value=0, max_value=100)
    message = serializers.CharField()


class JobSchema(serializers.ModelSerializer[Job]):
    """One job."""

    progress = ProgressSchema()
    params = serializers.JSONField()
    result = serializers.JSONField(allow_null=True)

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


class PartSchema(serializers.Serializer[Any]):
    """One part of the system."""

    ok = serializers.BooleanField()
    ms = serializers.FloatField()
    detail = serializers.CharField()


class ReadySchema(serializers.Serializer[Any]):
    """Whether this gateway can do its work."""

    status = serializers.ChoiceField(["ready", "degraded", "not ready"])
    parts = serializers.DictField(child=PartSchema())
