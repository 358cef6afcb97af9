"""Schemas of the MLflow endpoints, for OpenAPI."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

LOG_PREDICTION_BODY: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "required": ["inference_id"],
        "properties": {"inference_id": {"type": "string", "format": "uuid"}},
    }
}


@extend_schema_serializer(component_name="LoggedPrediction")
class LoggedSchema(serializers.Serializer[Any]):
    """The result of a request to log an inference."""

    inference_id = serializers.UUIDField(read_only=True)
    run_id = serializers.CharField(
        read_only=True, allow_null=True, help_text="The MLflow run; null while the inference is queued."
    )
    state = serializers.ChoiceField(["logged", "queued"], read_only=True)


@extend_schema_serializer(component_name="Run")
class RunSchema(serializers.Serializer[Any]):
    """An MLflow run."""

    run_id = serializers.CharField(read_only=True)
    run_name = serializers.CharField(read_only=True, allow_null=True)
    status = serializers.CharField(read_only=True, allow_null=True)
    start_time = serializers.IntegerField(read_only=True, allow_null=True, help_text="Milliseconds since 1970.")
    end_time = serializers.IntegerField(read_only=True, allow_null=True, help_text="Milliseconds since 1970.")
    artifact_uri = serializers.CharField(read_only=True, allow_null=True)
    params = serializers.DictField(child=serializers.CharField(), read_only=True)
    metrics = serializers.DictField(
        child=serializers.FloatField(), read_only=True, help_text="The last value of each metric."
    )
    tags = serializers.DictField(child=serializers.CharField(), read_only=True)
