"""Path converters: `path("history/<id:inference_id>/", …)`."""

from uuid import UUID


class IdConverter:
    """A UUID as RFC 9562 lets clients write it: in either case, and without hyphens too. Django's takes one form only.

    https://www.rfc-editor.org/rfc/rfc9562#section-4
    """

    regex = "[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        """Parses what `regex` matches."""
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        """The canonical form."""
        return str(value)
