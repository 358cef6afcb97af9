"""Serializers that describe a job for OpenAPI. The views build their own responses to avoid parsing stored JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from jobs.models import Job


@extend_schema_serializer(component_name="Progress")
class ProgressSchema(serializers.Serializer[Any]):
    """A job's progress."""

    percent = serializers.IntegerField(min_value=0, max_value=100, read_only=True)
    message = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="Job")
class JobSchema(serializers.ModelSerializer[Job]):
    """One job."""

    progress = ProgressSchema(read_only=True)
    params = serializers.JSONField(
        read_only=True,
        help_text="The request's body as received, without callback_url; null for callers who may not see it.",
    )
    result = serializers.JSONField(
        read_only=True, help_text="The job's result; null until there is one, and for callers who may not see it."
    )

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
