"""Turns the model server's answer into a Django response with the same status, header fields and body bytes."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders

from common.content_security_policy import FOREIGN
from ml_proxy.upstream import Answer

_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "!$%&'()*+,-./:;=?@_~"


class ProxyHeaders(ResponseHeaders):
    """Header fields that skip Django's conversion of each name and value if both are printable ASCII."""

    def __init__(self) -> None:
        super().__init__({})

    def __setitem__(self, name: str, value: Any) -> None:
        if type(value) is str and value.isascii() and value.isprintable() and name.isascii() and name.isprintable():
            self._store[name.lower()] = name, value
        else:
            super().__setitem__(name, value)

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Returns names and values."""
        return self._store.values()


class ProxyResponse(HttpResponse):
    """A response that keeps repeated header fields; Django's own response would merge them into one.

    If a browser shows the answer as a page, that page has an origin of its own and runs no scripts.
    """

    headers: ProxyHeaders

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, content_type="none yet")  # if one is given, Django does not compute it
        self.status_code = answer.status  # not through __init__, which refuses a status outside 100-599
        self.reason_phrase = answer.reason
        self.headers = fields = ProxyHeaders()
        self._repeated: list[tuple[str, str]] = []
        seen = set()
        for name, value in answer.fields:
            lowered = name.lower()
            if lowered in seen:
                self._repeated.append((name, value))
            else:
                seen.add(lowered)
                fields[name] = value
        fields["Content-Security-Policy"] = FOREIGN

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._repeated = [field for field in self._repeated if field[0].lower() != name.lower()]

    def items(self) -> Iterable[tuple[str, str]]:
        """Returns all fields; the WSGI handler sends these."""
        return [*self.headers.pairs(), *self._repeated]


def query_of(request: HttpRequest) -> str:
    """Returns the query string and escapes only characters that a URL can't contain; WSGI decodes it as Latin-1."""
    query = _LONE_PERCENT.sub("%25", str(request.META.get("QUERY_STRING", "")))
    return quote(query, safe=_SAFE, encoding="latin-1")
