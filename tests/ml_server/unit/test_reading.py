import math

import pytest

from ml_server.exceptions import NotJSON
from ml_server.reading import read_object


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b'"{}"', b"null", b"{}{}", b"\xff", b"\xef\xbb\xbf{}", b"{'a': 1}"]
)
def test_it_refuses_what_is_not_a_json_object(raw: bytes) -> None:
    with pytest.raises(NotJSON):
        read_object(raw)


def test_it_refuses_utf_16() -> None:
    with pytest.raises(NotJSON):
        read_object('{"a": 1}'.encode("utf-16"))


def test_it_reads_512_levels_and_refuses_a_hundred_thousand() -> None:
    assert read_object(b'{"a":' * 512 + b"1" + b"}" * 512)
    with pytest.raises(NotJSON, match="too deeply"):
        read_object(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_it_reads_numbers_beyond_a_float_as_infinite() -> None:
    body = read_object(b'{"exponent": 1e999, "digits": ' + b"9" * 5000 + b"}")
    assert body == {"exponent": math.inf, "digits": math.inf}


def test_it_reads_nan_as_text_that_no_number_field_takes() -> None:
    assert read_object(b'{"a": NaN, "b": -Infinity}') == {"a": "NaN", "b": "-Infinity"}


def test_it_says_where_a_body_stops_being_json_and_quotes_nothing() -> None:
    with pytest.raises(NotJSON) as caught:
        read_object(b'{"patient_name": secret}')
    assert caught.value.error == "the body is not JSON (line 1, column 18)"
