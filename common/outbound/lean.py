"""A request and a response of `requests` that create the dictionary of their header fields only on access.

`CaseInsensitiveDict` is written in Python, and takes 20 µs per exchange. The strict transport does not need it, so a
prediction never creates one.
"""

from collections.abc import Mapping

from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from common.outbound.http_response import RawResponse


class LeanRequest(PreparedRequest):
    """A prepared request. It sends `fields`, or `headers` after the first access to them."""

    def __init__(self, method: str, url: str, fields: Mapping[str, str], body: bytes) -> None:
        super().__init__()
        self.method, self.url, self.body = method, url, body or None
        self._fields: Mapping[str, str] = fields
        self._headers: CaseInsensitiveDict[str] | None = None

    @property
    def fields(self) -> Mapping[str, str]:
        """Names and values of the header fields."""
        return self._fields if self._headers is None else self._headers

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The header fields as in `requests`."""
        if self._headers is None:
            self._headers = CaseInsensitiveDict(self._fields)
        return self._headers

    @headers.setter
    def headers(self, headers: CaseInsensitiveDict[str]) -> None:
        self._headers = headers


class LeanResponse(Response):
    """A response whose body is not read yet."""

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
        """The header fields; repeated ones are merged."""
        if self._headers is None:
            self._headers = CaseInsensitiveDict(self.raw.headers)
        return self._headers

    @headers.setter
    def headers(self, headers: CaseInsensitiveDict[str]) -> None:
        self._headers = headers

    @property
    def encoding(self) -> str | None:
        """The encoding that was set, or else that of the header fields."""
        return self._encoding or get_encoding_from_headers(self.headers)

    @encoding.setter
    def encoding(self, encoding: str | None) -> None:
        self._encoding = encoding
