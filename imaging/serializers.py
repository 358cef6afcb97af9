"""Bodies of requests and responses, described for OpenAPI."""

from typing import Any

from rest_framework import serializers

_CALLBACK = "Gets the ended job by POST, signed; its host must be in CALLBACK_HOSTS."


class ClassifyRequest(serializers.Serializer[Any]):
    """`POST /ai/classify/` as JSON."""

    initial_image_url = serializers.CharField(max_length=2000, help_text="http or https, at a public address.")
    callback_url = serializers.CharField(max_length=2000, required=False, help_text=_CALLBACK)


class ClassifyUpload(serializers.Serializer[Any]):
    """`POST /ai/classify/` as a form with one file, under any name."""

    image = serializers.FileField(help_text="A JPEG, PNG, WebP or GIF file.")
    callback_url = serializers.CharField(max_length=2000, required=False, help_text=_CALLBACK)


class GenerateRequest(serializers.Serializer[Any]):
    """`/ai/generated/v1/` and `v2/` as JSON."""

    image_url = serializers.CharField(max_length=2000, help_text="http or https, at a public address.")
    callback_url = serializers.CharField(max_length=2000, required=False, help_text=_CALLBACK)


class LabelSchema(serializers.Serializer[Any]):
    """A class of ImageNet."""

    name = serializers.CharField()
    probability = serializers.FloatField()


class ClassifyResponse(serializers.Serializer[Any]):
    """Whether it is a desk. `details=true` adds three members."""

    initial_image_url = serializers.CharField(allow_null=True, help_text="Null for an upload.")
    classify = serializers.BooleanField()
    desk_probability = serializers.FloatField(required=False, help_text="The sum over the classes of a desk.")
    desk_labels = LabelSchema(many=True, required=False)
    top = LabelSchema(many=True, required=False)
    job = serializers.UUIDField(required=False, help_text="The job that redraws a desk, with `callback_url`.")


class HealthResponse(serializers.Serializer[Any]):
    """`status` is healthy, or degraded if a part is not."""

    status = serializers.ChoiceField(choices=["healthy", "degraded"])
    parts = serializers.DictField(child=serializers.CharField())
    gpu = serializers.ListField(child=serializers.CharField())
