"""The allow-list of webhook hosts and the checks of a URL against it."""

import pytest
from pytest_django import Settings

from common.outbound.destinations import Destination, NotAllowed, read_entry
from jobs.webhooks.hosts import destination

HOST = "hooks.clinic.example"
LISTED = [
    HOST,
    f"{HOST}:8443",
    "*.wide.example",
    "http://plain.example:8080",
    "[2606:4700::1]",
    "127.0.0.1:9999",
]


@pytest.fixture(autouse=True)
def _listed(settings: Settings) -> None:
    settings.CALLBACK_HOSTS = LISTED
    settings.CALLBACK_ALLOW_PRIVATE = False


@pytest.mark.parametrize(
    ("url", "leads_to", "authority"),
    [
        ("https://hooks.clinic.example/a?b=c%20d&e", Destination("https", HOST, 443, "/a?b=c%20d&e"), HOST),
        ("https://hooks.clinic.example", Destination("https", HOST, 443, "/"), HOST),
        ("HTTPS://Hooks.Clinic.EXAMPLE:443/X", Destination("https", HOST, 443, "/X"), HOST),
        ("https://hooks.clinic.example:8443?t=1", Destination("https", HOST, 8443, "/?t=1"), f"{HOST}:8443"),
        ("https://a.b.wide.example/", Destination("https", "a.b.wide.example", 443, "/"), "a.b.wide.example"),
        ("http://plain.example:8080/", Destination("http", "plain.example", 8080, "/"), "plain.example:8080"),
        ("https://[2606:4700:0::1]/", Destination("https", "2606:4700::1", 443, "/"), "[2606:4700::1]"),
    ],
)
def test_it_parses_an_allowed_url(url: str, leads_to: Destination, authority: str) -> None:
    found = destination(url)
    assert found == leads_to
    assert found.url == f"{found.scheme}://{authority}{found.target}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://elsewhere.example/", "a host that is not allowed"),
        ("https://hooks.clinic.example.evil.example/", "a host that is not allowed"),
        ("https://wide.example/", "a host that is not allowed"),
        ("https://notwide.example/", "a host that is not allowed"),
        ("https://127.1:9999/", "a host that is not allowed"),
        ("https://2130706433:9999/", "a host that is not allowed"),
        ("https://169.254.169.254/latest/", "a host that is not allowed"),
        ("https://hooks.clinic.example:22/", "a port that is not allowed"),
        ("https://plain.example:8080/", "must start with http://"),
        ("http://hooks.clinic.example/", "must start with https://"),
        ("http://plain.example/", "a port that is not allowed"),
        ("https://127.0.0.1:9999/", "a private address"),
        ("https://user:secret@hooks.clinic.example/", "not contain a user name or password"),
        ("https://@hooks.clinic.example/", "not contain a user name or password"),
        (r"https://hooks.clinic.example\@elsewhere.example/", "not contain a user name or password"),
        ("https://hooks.clinic.example/#part", "not have a fragment"),
        ("https://hooks.clinic.example/#", "not have a fragment"),
        ("https://hooks.clinic.example/" + "x" * 2000, "at most 2000 characters"),
        ("https://hooks.clinic.example/a b", "visible ASCII"),
        ("https://hooks.clinic.example/\r\nX: y", "visible ASCII"),
        ("https://hooks.clinic.example/\t", "visible ASCII"),
        ("https://kliník.example/", "visible ASCII"),
        ("", "visible ASCII"),
        ("hooks.clinic.example", "an absolute URL"),
        ("//hooks.clinic.example/", "an absolute URL"),
        ("https:///path", "an absolute URL"),
        ("ftp://hooks.clinic.example/", "an absolute URL"),
        ("file:///etc/passwd", "an absolute URL"),
        ("https://hooks.clinic.example:99999/", "an absolute URL"),
        ("https://hooks.clinic.example:0/", "an absolute URL"),
        ("https://hooks.clinic.example:x/", "an absolute URL"),
        ("https://[::1/", "an absolute URL"),
        ("https://[fe80::1%25eth0]/", "an absolute URL"),
        (r"https://hooks.clinic.example\.wide.example/", "an absolute URL"),
        ("https://hooks.clinic.example%2f.wide.example/", "an absolute URL"),
        ("https://a..wide.example/", "an absolute URL"),
        (f"https://{'a' * 64}.wide.example/", "an absolute URL"),
    ],
)
def test_it_says_what_to_do_about_any_other_url(url: str, said: str) -> None:
    with pytest.raises(NotAllowed, match=said) as raised:
        destination(url)
    assert "secret" not in str(raised.value)


def test_it_accepts_private_addresses_if_they_are_allowed(settings: Settings) -> None:
    settings.CALLBACK_ALLOW_PRIVATE = True
    assert destination("https://127.0.0.1:9999/").host == "127.0.0.1"


def test_it_accepts_nothing_if_no_host_is_listed(settings: Settings) -> None:
    settings.CALLBACK_HOSTS = []
    with pytest.raises(NotAllowed, match="CALLBACK_HOSTS is empty"):
        destination("https://hooks.clinic.example/")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.",
        "a.*.example",
        "*.*.example",
        "host/path",
        "https://host/",
        "host?x",
        "user@host",
        "ftp://host",
        "host:0",
        "host:x",
        "::1",
        "host name",
        "[fe80::1%eth0]",
    ],
)
def test_it_refuses_an_entry_that_is_not_a_host(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - nobody sees its text
        read_entry(entry)
