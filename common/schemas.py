"""What OpenAPI descriptions of several apps share."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

SPAN_FIELDS = (
    OpenApiParameter("since", str, description="ISO 8601, inclusive; UTC where it has no offset."),
    OpenApiParameter("until", str, description="ISO 8601, exclusive; UTC where it has no offset."),
)


def sent_field(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """A header field of the answers with these statuses."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=list(statuses)
    )
