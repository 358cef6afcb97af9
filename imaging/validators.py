"""Validators of the catalogue's columns."""

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator


def http_url(text: str) -> None:
    """Refuses what is no URL of http or https: a browser would run `javascript:`. Raises `ValidationError`."""
    try:
        URLValidator(schemes=["http", "https"])(text)
    except ValidationError:
        raise ValidationError("must be a URL that begins with https:// or http://") from None


def one_line(text: str) -> None:
    """Refuses control characters and line breaks. Raises `ValidationError`."""
    if not text.isprintable():
        raise ValidationError("must be one line without control characters")
