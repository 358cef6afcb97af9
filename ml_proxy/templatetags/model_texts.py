"""`{{ label|text_in:texts }}`."""

from django import template

from ml_proxy.model_classes import Texts

register = template.Library()


@register.filter
def text_in(label: str, texts: Texts) -> str:
    """What is shown for a model's label: the label itself unless `texts` have it."""
    return texts.get(label, label)
