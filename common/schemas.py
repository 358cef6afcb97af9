"""Shared parts of the OpenAPI description."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

SPAN_FIELDS = (
    OpenApiParameter("since", str, description="ISO 8601, inclusive; UTC if it has no offset."),
    OpenApiParameter("until", str, description="ISO 8601, exclusive; UTC if it has no offset."),
)


def sent_field(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """A header field of responses with these statuses."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=list(statuses)
    )
