"""Hosts, origins, ports and URLs in the environment, in the forms in which they work, or refused without a secret."""

import os
from collections.abc import Callable

import pytest

from backend import database_url, env, web_names

NAME = "A_SETTING"


def read_url(name: str) -> str:
    return env.url(name, "http://model.example", schemes=("http", "https"), may_name_user=True)


def csrf_origins(name: str) -> list[str]:
    return web_names.origins(name, may_be_wild=True)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (web_names.hosts, "A.example:8443, ::1,[::1]:8", ["a.example", "[::1]", "[::1]"]),
        (web_names.hosts, ".b.example,10.0.0.1:80,*,a.example.", [".b.example", "10.0.0.1", "*", "a.example"]),
        (web_names.hosts, "병원.example", ["xn--om3bw6p.example"]),
        (web_names.origins, "https://A.example:443/,http://[::1]:3000", ["https://a.example", "http://[::1]:3000"]),
        (web_names.origins, "http://a.example:80,https://a:8443", ["http://a.example", "https://a:8443"]),
        (csrf_origins, "https://*.a.example", ["https://*.a.example"]),
        (read_url, "http://[::1]:9/", "http://[::1]:9"),
        (read_url, "https://u:p#w/@m:9/x", "https://u:p%23w%2F@m:9/x"),
        (read_url, "https://u:p%23w@m", "https://u:p%23w@m"),
    ],
)
def test_it_reads(read: Callable[[str], object], text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    assert read(NAME) == value


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:6379", "udp://[fd00::1]:53"])
def test_the_address_of_a_service_is_no_port(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 19 of the field's cases."""
    monkeypatch.setenv(NAME, text)
    assert env.port(NAME, 6379) == 6379


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((web_names.hosts, text) for text in ("https://a.example", "ml_proxy", "*.a.example", "a b", "a:99999")),
        *((web_names.origins, text) for text in ("*", "null", "https://*.h", "https://h:0", "https://h/x", "h", "ftp://h")),
        *((web_names.origins, text) for text in ("https://u:s3cret@h", "https://h:s3cret")),
        *((read_url, text) for text in ("http://u:s3c#ret@", "http://:s3cret", "http://m?key=s3cret", "http://m:0")),
        *((read_url, text) for text in ("http://m#s3cret", "http://u:s3cret@m:x", "ftp://u:s3cret@m", "http://", "m")),
        (lambda name: env.port(name, 1), "http://10.0.0.1:80"),
    ],
)  # fmt: skip
def test_it_refuses(read: Callable[[str], object], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(env.BadSetting, match=f"^{NAME} can't (be|hold) ") as caught:
        read(NAME)
    assert "s3c" not in str(caught.value)
    assert os.environ[NAME] == text


@pytest.mark.parametrize(
    ("url", "host", "port", "password"),
    [
        ("postgresql://u:p#w/?@@h:5/n?sslmode=require", "h", "5", "p#w/?@"),
        ("postgres://u:p%23w@[::1]/n", "::1", "", "p#w"),
        ("postgresql://u:12#34@a:1,b:2/n?target_session_attrs=read-write", "a,b", "1,2", "12#34"),
        ("postgresql://u@%2Frun%2Fpg/n", "/run/pg", "", ""),
        ("postgresql:///n?host=/run/pg", "", "", ""),
    ],
)
def test_it_reads_every_dialect_of_postgresql(url: str, host: str, port: str, password: str) -> None:
    found = database_url.read(url)
    assert (found["HOST"], found["PORT"], found["PASSWORD"], found["NAME"]) == (host, port, password, "n")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:s3c#ret@h:x/n", "names no host and port"),
        ("postgresql://u:s3cret@h:99999/n", "names no host and port"),
        ("postgresql://u:s3c#ret@h", "names no database"),
        ("postgresql://u:s3cret", "names no"),
        ("postgresql://u:s3cret@h/n?sslmod=x", "has an option that PostgreSQL's client"),
        ("postgresql://u:s3cret@h/n?sslmode=yes", "has an option sslmode that is not"),
        ("postgresql://u:s3cret@h/n?sslrootcert=/no", "has an option sslrootcert that names no file"),
    ],
)
def test_it_refuses_what_would_fail_at_each_connection(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        database_url.read(url)
    assert "s3c" not in str(caught.value)
