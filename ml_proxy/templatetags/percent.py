"""`{{ value|percent }}`."""

from django import template

register = template.Library()


@register.filter
def percent(value: float | None) -> str:
    """A fraction from 0 to 1 as a percentage with one decimal place; blank for None."""
    return "" if value is None else f"{value:.1%}"
