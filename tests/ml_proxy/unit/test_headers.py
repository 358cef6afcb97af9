"""Which header fields travel on, and which end at this door."""

import os

import pytest

from ml_proxy.upstream.headers import HOP_BY_HOP, _remembered, answer_fields, request_fields, unpackable

RFC_9110 = {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}
RFC_9110 |= {"Proxy-Authenticate", "Proxy-Authorization"}


def environ(fields: dict[str, str]) -> dict[str, object]:
    """What a WSGI server makes of header fields."""
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields.items()}


def test_it_knows_every_hop_by_hop_field() -> None:
    assert {name.lower() for name in RFC_9110} == HOP_BY_HOP


@pytest.mark.parametrize("name", sorted(RFC_9110))
def test_it_ends_hop_by_hop_fields_both_ways(name: str) -> None:
    assert request_fields(environ({name: "x", "X-Kept": "y"})) == {"X-Kept": "y"}
    assert answer_fields([(name.upper(), "x"), ("X-Kept", "y"), (name.lower(), "z")]) == [("X-Kept", "y")]


@pytest.mark.parametrize("value", ["X-A, x-b", "close,X-A ,  X-B", " , x-A,, X-B;,X-b,"])
def test_it_ends_what_connection_names_both_ways(value: str) -> None:
    sent = {"Connection": value, "X-A": "1", "X-B": "2", "X-C": "3"}
    assert request_fields(environ(sent)) == {"X-C": "3"}
    assert answer_fields(list(sent.items())) == [("X-C", "3")]


def test_it_reads_every_connection_field_of_an_answer() -> None:
    sent = [("Connection", "X-A"), ("X-A", "1"), ("connection", "X-B"), ("X-B", "2"), ("X-C", "3")]
    assert answer_fields(sent) == [("X-C", "3")]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-CSRFToken"])
def test_it_keeps_the_callers_credentials(name: str) -> None:
    assert request_fields(environ({name: "secret", "Accept": "*/*"})) == {"Accept": "*/*"}


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Expect", "X-Request-ID"])
def test_it_leaves_out_what_is_written_anew_for_the_next_hop(name: str) -> None:
    assert request_fields(environ({name: "x"})) == {}


def test_it_takes_nothing_from_the_server_for_a_field() -> None:
    server = {
        "SERVER_NAME": "s",
        "REMOTE_ADDR": "127.0.0.1",
        "QUERY_STRING": "a=b",
        "wsgi.input": object(),
        "PATH": "/",
    }
    sent = {**server, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "2", "HTTP_ACCEPT_LANGUAGE": "ko"}
    assert request_fields(sent) == {"Content-Type": "application/json", "Accept-Language": "ko"}


def test_it_takes_no_variable_of_the_process_for_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy")
    _remembered.cache_clear()
    assert request_fields({**os.environ, "HTTP_ACCEPT": "*/*"}) == {"Accept": "*/*"}
    _remembered.cache_clear()


def test_it_passes_a_long_name_on_and_remembers_none() -> None:
    _remembered.cache_clear()
    assert request_fields({"HTTP_" + "X" * 65_536: "1", "HTTP_ACCEPT": "*/*"}) == {
        "X" + "x" * 65_535: "1",
        "Accept": "*/*",
    }
    assert _remembered.cache_info().currsize == 1


def test_it_has_no_content_type_where_none_was_given() -> None:
    assert request_fields({"CONTENT_TYPE": "", "HTTP_X_A": ""}) == {"X-A": ""}


def test_it_keeps_repeated_fields_apart_and_in_order() -> None:
    sent = [("Set-Cookie", "a=1; Path=/"), ("Warning", '199 - "x, y"'), ("Set-Cookie", "b=2"), ("set-cookie", "a=1")]
    assert answer_fields(sent) == sent


@pytest.mark.parametrize("name", ["Content-Length", "x-request-id", "X-Inference-ID"])
def test_it_takes_nobodys_word_for_its_own_fields(name: str) -> None:
    assert answer_fields([(name, "7"), ("X-A", "1"), (name, "8")]) == [("X-A", "1")]


@pytest.mark.parametrize("value", ["", "a", "\xe9\x80 \xff", "a\tb", '"q\\"', "x" * 60_000])
def test_it_leaves_values_as_they_are(value: str) -> None:
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
def test_it_offers_only_codings_that_it_can_undo(offered: str, narrowed: str) -> None:
    assert unpackable(offered) == narrowed
