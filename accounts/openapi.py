"""Describes the authentication classes for OpenAPI; drf-spectacular finds these classes once they are loaded."""

from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # registers itself
    """API tokens."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "tokenAuth"
    definition: ClassVar = {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, from `manage.py create_token USER` or from *My tokens*.",
    }

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        return dict(self.definition)


class SessionScheme(TokenScheme):  # type: ignore[no-untyped-call]
    """Sessions."""

    target_class = "accounts.authentication.SignedInAuthentication"
    name = "cookieAuth"
    definition: ClassVar = {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of a browser that has signed in. Changes also need `X-CSRFToken`.",
    }


class PasswordScheme(TokenScheme):  # type: ignore[no-untyped-call]
    """HTTP Basic."""

    target_class = "accounts.authentication.PasswordAuthentication"
    name = "basicAuth"
    definition: ClassVar = {
        "type": "http",
        "scheme": "basic",
        "description": "A user's name and password.",
    }
