"""`{{ label|text_in:texts }}`."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def text_in(label: str, texts: Mapping[str, str]) -> str:
    """What is shown for a model's label: the label itself unless `texts` have it."""
    return texts.get(label, label)
