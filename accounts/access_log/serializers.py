"""The access log in the OpenAPI description."""

from rest_framework import serializers


class AccessSchema(serializers.Serializer[None]):
    """One entry. `filters` is what was asked for; `purpose` is the caller's `X-Purpose`."""

    id = serializers.UUIDField()
    recorded_at = serializers.DateTimeField()
    account = serializers.CharField()
    token_id = serializers.CharField()
    address = serializers.CharField()
    method = serializers.CharField()
    route = serializers.CharField()
    action = serializers.CharField()
    filters = serializers.DictField()
    row_count = serializers.IntegerField()
    patients = serializers.ListField(child=serializers.CharField())
    doctors = serializers.ListField(child=serializers.CharField())
    purpose = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField()
