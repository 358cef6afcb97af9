"""Shared parts of the OpenAPI description."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

TIME_SCHEMA = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}, {"const": ""}]
}
SPAN_FIELDS = (
    OpenApiParameter("since", TIME_SCHEMA, description="ISO 8601, inclusive; UTC if it has no offset."),
    OpenApiParameter("until", TIME_SCHEMA, description="ISO 8601, exclusive; UTC if it has no offset."),
)
TEXT_PATTERN = r"^[^\u0000]*$"
NAME_PATTERN = r"^[^\u0000]*\S[^\u0000]*$"  # not blank
KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}  # of an Idempotency-Key


def sent_field(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """A header field of responses with these statuses."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=list(statuses)
    )
