"""An answer of the model server as an answer of this one: status, fields and bytes as they came."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders

from ml_proxy.upstream import Answer

_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "!$%&'()*+,-./:;=?@_~"


class ProxyHeaders(ResponseHeaders):
    """An answer's fields. Plain text is kept as it is; Django converts each name and value on its way in and out."""

    def __init__(self) -> None:
        super().__init__({})

    def __setitem__(self, name: str, value: Any) -> None:
        if type(value) is str and value.isascii() and value.isprintable() and name.isascii() and name.isprintable():
            self._store[name.lower()] = name, value
        else:
            super().__setitem__(name, value)

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Names and values."""
        return self._store.values()


class ProxyResponse(HttpResponse):
    """Holds fields that come more than once, which Django's own response would fold into one.

    What the model says of other origins (CORS) is kept from browsers: who may read this door's answers is its own say.
    """

    headers: ProxyHeaders

    def __init__(self, answer: Answer, request: HttpRequest) -> None:
        super().__init__(answer.body, content_type="none yet")  # given one, Django does not work one out
        self.status_code = answer.status  # not through __init__, which refuses what is not 100-599
        self.reason_phrase = answer.reason
        self.headers = fields = ProxyHeaders()
        self._repeated: list[tuple[str, str]] = []
        from_browser, known = "HTTP_ORIGIN" in request.META, set()
        for name, value in answer.fields:
            lowered = name.lower()
            if from_browser and lowered.startswith("access-control-"):
                continue
            if lowered in known:
                self._repeated.append((name, value))
            else:
                known.add(lowered)
                fields[name] = value

    def items(self) -> Iterable[tuple[str, str]]:
        """All fields, as the WSGI handler sends them."""
        return [*self.headers.pairs(), *self._repeated]


def query_of(request: HttpRequest) -> str:
    """The query string, in which only what no URL may hold is escaped; WSGI gives its bytes as Latin-1."""
    query = _LONE_PERCENT.sub("%25", str(request.META.get("QUERY_STRING", "")))
    return quote(query, safe=_SAFE, encoding="latin-1")
