"""Answers a page in the language that the browser asks for, with times of that language's country."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

ZONES: dict[str, tzinfo] = {"ko": ZoneInfo("Asia/Seoul")}  # other languages are spoken in many

View = Callable[..., HttpResponse]


def in_callers_language(view: View) -> View:
    """Decorates a view whose response is rendered when it returns."""

    @wraps(view)
    def translated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language), timezone.override(ZONES.get(language, UTC)):
            response = view(request, *args, **kwargs)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response

    return translated
