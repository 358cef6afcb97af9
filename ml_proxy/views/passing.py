"""An answer of the model server as an answer of this one: status, fields and bytes as they came."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse

from ml_proxy.upstream import Answer


class PassedOn(HttpResponse):
    """Holds fields that come more than once, which Django's own response would fold into one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.status_code = answer.status  # not through __init__, which refuses what is not 100-599
        self.reason_phrase = answer.reason
        del self.headers["Content-Type"]
        self._repeated: list[tuple[str, str]] = []
        for name, value in answer.fields:
            if name in self.headers:
                self._repeated.append((name, value))
            else:
                self.headers[name] = value

    def items(self) -> Iterable[tuple[str, str]]:
        """All fields, as the WSGI handler sends them."""
        return [*self.headers.items(), *self._repeated]


def query_of(request: HttpRequest) -> str:
    """The query string as it came."""
    return str(request.META.get("QUERY_STRING", ""))
