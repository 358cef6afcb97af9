"""A request and a response of `requests` whose header fields become a dictionary only when somebody asks for one.

`CaseInsensitiveDict` is written in Python: to make and to read those of one exchange takes 20 µs. The strict transport
writes the fields that it is given and hands on those that came, so for a prediction nobody asks.
"""

from collections.abc import Mapping

from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from common.outbound.http_response import RawResponse


class LeanRequest(PreparedRequest):
    """A prepared request; `fields` are what is sent, for as long as nobody has asked for `headers`."""

    def __init__(self, method: str, url: str, fields: Mapping[str, str], body: bytes) -> None:
        super().__init__()
        self.method, self.url, self.body = method, url, body or None
        self._fields: Mapping[str, str] = fields
        self._headers: CaseInsensitiveDict[str] | None = None

    @property
    def fields(self) -> Mapping[str, str]:
        """Names and values of the header."""
        return self._fields if self._headers is None else self._headers

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The same in the form that `requests` has them in."""
        if self._headers is None:
            self._headers = CaseInsensitiveDict(self._fields)
        return self._headers

    @headers.setter
    def headers(self, headers: CaseInsensitiveDict[str]) -> None:
        self._headers = headers


class LeanResponse(Response):
    """The response that `raw` is, whose body has still to be read."""

    def __init__(self, request: PreparedRequest, raw: RawResponse) -> None:
        super().__init__()
        self._headers: CaseInsensitiveDict[str] | None = None
        self._encoding: str | None = None
        self.status_code = raw.status
        self.raw = raw
        self.reason = raw.reason
        self.url = str(request.url)
        self.request = request

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The fields, repeated ones folded into one."""
        if self._headers is None:
            self._headers = CaseInsensitiveDict(self.raw.headers)
        return self._headers

    @headers.setter
    def headers(self, headers: CaseInsensitiveDict[str]) -> None:
        self._headers = headers

    @property
    def encoding(self) -> str | None:
        """The characters' encoding that the fields name, unless another was set."""
        return self._encoding or get_encoding_from_headers(self.headers)

    @encoding.setter
    def encoding(self, encoding: str | None) -> None:
        self._encoding = encoding
