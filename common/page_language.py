"""Answers a page in the language that the browser asks for, with times of that language's country."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import wraps
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

ZONES: dict[str, tzinfo] = {"ko": ZoneInfo("Asia/Seoul")}  # other languages are spoken in many

Response = TypeVar("Response", bound=HttpResponseBase)


def in_callers_language(view: Callable[..., Response]) -> Callable[..., Response]:
    """Decorates a view. A response that Django would render later is rendered here, in the same language."""

    @wraps(view)
    def translated(request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        language = translation.get_language_from_request(request)
        with translation.override(language), timezone.override(ZONES.get(language, UTC)):
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse):
                response.render()
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response

    return translated
