"""Which header fields are forwarded and which are dropped."""

import os

import pytest

from common.exceptions import BadInput
from ml_proxy.upstream.headers import HOP_BY_HOP, _cached_field_name, answer_fields, decodable_encodings, request_fields

RFC_9110 = {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}
RFC_9110 |= {"Proxy-Authenticate", "Proxy-Authorization"}


def environ(fields: dict[str, str]) -> dict[str, object]:
    """Returns header fields as a WSGI environment."""
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields.items()}


def test_it_lists_every_hop_by_hop_field() -> None:
    assert {name.lower() for name in RFC_9110} == HOP_BY_HOP


@pytest.mark.parametrize("name", sorted(RFC_9110))
def test_it_drops_hop_by_hop_fields_both_ways(name: str) -> None:
    assert request_fields(environ({name: "x", "X-Kept": "y"})) == {"X-Kept": "y"}
    assert answer_fields([(name.upper(), "x"), ("X-Kept", "y"), (name.lower(), "z")]) == [("X-Kept", "y")]


@pytest.mark.parametrize("value", ["X-A, x-b", "close,X-A ,  X-B", " , x-A,, X-B;,X-b,"])
def test_it_drops_fields_named_by_connection_both_ways(value: str) -> None:
    sent = {"Connection": value, "X-A": "1", "X-B": "2", "X-C": "3"}
    assert request_fields(environ(sent)) == {"X-C": "3"}
    assert answer_fields(list(sent.items())) == [("X-C", "3")]


def test_it_reads_every_connection_field_of_an_answer() -> None:
    sent = [("Connection", "X-A"), ("X-A", "1"), ("connection", "X-B"), ("X-B", "2"), ("X-C", "3")]
    assert answer_fields(sent) == [("X-C", "3")]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-CSRFToken"])
def test_it_does_not_forward_credentials(name: str) -> None:
    assert request_fields(environ({name: "secret", "Accept": "*/*"})) == {"Accept": "*/*"}


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Expect", "X-Request-ID", "Origin", "Sec-Fetch-Site"])
def test_it_drops_fields_that_are_set_again_for_the_next_hop(name: str) -> None:
    assert request_fields(environ({name: "x"})) == {}


def test_it_ignores_wsgi_variables_that_are_not_fields() -> None:
    server = {
        "SERVER_NAME": "s",
        "REMOTE_ADDR": "127.0.0.1",
        "QUERY_STRING": "a=b",
        "wsgi.input": object(),
        "PATH": "/",
    }
    sent = {**server, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "2", "HTTP_ACCEPT_LANGUAGE": "ko"}
    assert request_fields(sent) == {"Content-Type": "application/json", "Accept-Language": "ko"}


def test_it_ignores_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy")
    _cached_field_name.cache_clear()
    assert request_fields({**os.environ, "HTTP_ACCEPT": "*/*"}) == {"Accept": "*/*"}
    _cached_field_name.cache_clear()


def test_it_forwards_a_long_name_without_caching_it() -> None:
    _cached_field_name.cache_clear()
    assert request_fields({"HTTP_" + "X" * 65_536: "1", "HTTP_ACCEPT": "*/*"}) == {
        "X" + "x" * 65_535: "1",
        "Accept": "*/*",
    }
    assert _cached_field_name.cache_info().currsize == 1


def test_it_has_no_content_type_if_none_was_given() -> None:
    assert request_fields({"CONTENT_TYPE": "", "HTTP_X_A": "1"}) == {"X-A": "1"}


@pytest.mark.parametrize("value", ["", ",", "a,", ",a", "a,,b"])
def test_it_refuses_values_that_the_server_may_have_emptied(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        request_fields(environ({"X-A": value, "X-B": "b, c", "X-C": value}))
    assert [error.pointer for error in caught.value.field_errors] == ["X-A", "X-C"]


@pytest.mark.parametrize("name", ["Accept", "Accept-Encoding", "tracestate", "Cookie", "X-Request-ID"])
def test_it_accepts_an_empty_value_without_meaning(name: str) -> None:
    assert request_fields(environ({name: "", "X-A": "1"}))["X-A"] == "1"


def test_it_accepts_an_empty_field_that_is_not_forwarded() -> None:
    assert request_fields(environ({"Connection": "X-A", "X-A": ""})) == {}


def test_it_keeps_repeated_fields_separate_and_in_order() -> None:
    sent = [("X-Two", "a=1; Path=/"), ("Warning", '199 - "x, y"'), ("X-Two", "b=2"), ("x-two", "a=1")]
    assert answer_fields(sent) == sent


@pytest.mark.parametrize("name", ["Content-Length", "x-request-id", "X-Inference-ID"])
def test_the_model_server_can_not_set_the_gateway_s_fields(name: str) -> None:
    assert answer_fields([(name, "7"), ("X-A", "1"), (name, "8")]) == [("X-A", "1")]


@pytest.mark.parametrize("value", ["", "a", "\xe9\x80 \xff", "a\tb", '"q\\"', "x" * 60_000])
def test_it_does_not_change_values(value: str) -> None:
    assert answer_fields([("X-Odd!#$%&'*+.^_`|~", value)]) == [("X-Odd!#$%&'*+.^_`|~", value)]


@pytest.mark.parametrize(
    ("offered", "narrowed"),
    [
        ("", "identity"),
        ("br", "identity"),
        ("*", "identity"),
        ("br, zstd;q=0.9, *;q=0.1", "identity"),
        ("gzip, deflate, br, zstd", "gzip, deflate"),
        ("GZip;q=0.5 , Identity;q=0", "GZip;q=0.5, Identity;q=0"),
        ("gzip;q=0, br", "gzip;q=0"),
        ("x-gzip,,", "x-gzip"),
        ("gzipped", "identity"),
    ],
)
def test_it_offers_only_codings_that_it_can_decode(offered: str, narrowed: str) -> None:
    assert decodable_encodings(offered) == narrowed
