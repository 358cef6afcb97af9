"""Reading of request bodies."""

from io import BytesIO

import pytest
from django.test import RequestFactory

from common.exceptions import BadInput
from common.request_body import read_body


def chunked(body: bytes) -> bytes:
    request = RequestFactory().post("/", content_type="application/json", headers={"Transfer-Encoding": "chunked"})
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input": BytesIO(body)}
    return read_body(request, may_be_empty=True)


def test_it_reads_a_body_in_chunks() -> None:
    assert chunked(b"{}") == b"{}"


def test_a_chunked_body_that_ended_early_is_not_an_empty_one() -> None:
    with pytest.raises(BadInput, match="ended before its first chunk"):
        chunked(b"")
