import math

import pytest

from ml_server.exceptions import InvalidJSON
from ml_server.json_body import read_json_object


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b'"{}"', b"null", b"{}{}", b"\xff", b"\xef\xbb\xbf{}", b"{'a': 1}"]
)
def test_it_rejects_anything_but_a_json_object(raw: bytes) -> None:
    with pytest.raises(InvalidJSON):
        read_json_object(raw)


def test_it_rejects_utf_16() -> None:
    with pytest.raises(InvalidJSON):
        read_json_object('{"a": 1}'.encode("utf-16"))


def test_it_accepts_512_levels_and_rejects_a_hundred_thousand() -> None:
    assert read_json_object(b'{"a":' * 512 + b"1" + b"}" * 512)
    with pytest.raises(InvalidJSON, match="too deeply"):
        read_json_object(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_it_reads_numbers_beyond_the_range_of_floats_as_infinity() -> None:
    body = read_json_object(b'{"exponent": 1e999, "digits": ' + b"9" * 5000 + b"}")
    assert body == {"exponent": math.inf, "digits": math.inf}


def test_it_reads_nan_as_a_string_that_no_number_field_accepts() -> None:
    assert read_json_object(b'{"a": NaN, "b": -Infinity}') == {"a": "NaN", "b": "-Infinity"}


def test_it_locates_a_syntax_error_without_quoting_the_body() -> None:
    with pytest.raises(InvalidJSON) as caught:
        read_json_object(b'{"patient_name": secret}')
    assert caught.value.error == "the body is not JSON: correct line 1, column 18"
