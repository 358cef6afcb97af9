"""URLs of Redis: what each dialect means, and which can't work."""

import ssl
from pathlib import Path

import pytest
import redis
from kombu.utils.url import url_to_parts

from common.redis_server import address, clients
from common.redis_server.address import Target

PASSWORD = "p#a@s/s?:%"


@pytest.mark.parametrize(
    ("url", "kind", "login", "target"),
    [
        ("redis://127.0.0.1:6379/0", "redis", ("", ""), Target((("127.0.0.1", 6379),))),
        ("redis://h", "redis", ("", ""), Target((("h", 6379),))),
        ("REDIS://h/3", "redis", ("", ""), Target((("h", 6379),), db=3)),
        (f"redis://u:{PASSWORD}@h:1/2", "redis", ("u", PASSWORD), Target((("h", 1),), db=2)),
        ("redis://:p%23a%40s@h", "redis", ("", "p#a@s"), Target((("h", 6379),))),
        ("redis://u:12/x@h", "redis", ("u", "12/x"), Target((("h", 6379),))),
        ("redis://u:100%@[::1]:7", "redis", ("u", "100%"), Target((("::1", 7),))),
        ("redis://h?client_name=a@b", "redis", ("", ""), Target((("h", 6379),), options={"client_name": "a@b"})),
        ("unix:///run/redis.sock", "unix", ("", ""), Target(path="/run/redis.sock")),
        (f"unix://u:{PASSWORD}@/r.sock?db=1", "unix", ("u", PASSWORD), Target((), "/r.sock", 1, {"db": 1})),
        ("redis+socket:///r.sock?virtual_host=1", "unix", ("", ""), Target((), "/r.sock", 1, {"db": 1})),
    ],
)
def test_it_reads_every_dialect(url: str, kind: str, login: tuple[str, str], target: Target) -> None:
    found = address.read(url)
    assert (found.kind, (found.user, found.password), found.target) == (kind, login, target)
    assert "@" not in found.shown
    assert not found.password or found.password not in f"{found!r}{found.shown}"


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://u:p@a:1,b/2?master_name=m",
        "sentinel://u:p@a:1;sentinel://u:p@b/2?master_name=m",
        "redis-sentinel://u:p@a:1,b/m/2",
    ],
)
def test_it_reads_every_dialect_of_sentinel(url: str) -> None:
    found = address.read(url)
    assert (found.user, found.password, found.target.db) == ("u", "p", 2)
    assert found.target.hosts == (("a", 1), ("b", 26379))
    assert found.target.options["master_name"] == "m"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:s3cret@h", "must begin with"),
        ("redis://:s3cret", "names no host"),
        ("redis://:s3cret#@", "names no host"),
        ("redis://u:s3cret@h?passwort=s3cret", "has an unknown option"),
        ("redis://u:s3cret@h?socket_timeout=s3cret", "has an option socket_timeout that is not from 2 to 3600"),
        ("redis://h?socket_timeout=0.1", "has an option socket_timeout"),
        ("redis://h?ssl_cert_reqs=required", "has the option ssl_cert_reqs, which redis:// does not take"),
        ("rediss://h?ssl_cert_reqs=maybe", "has an option ssl_cert_reqs"),
        ("rediss://h?ssl_ca_certs=/no/file", "has an option ssl_ca_certs that is not a file"),
        ("redis://h?max_connections=1", "has an option max_connections"),
        ("redis://h:0", "has a port"),
        ("redis://h:99999", "has a port"),
        ("redis://h:s3cret/0", "names no host"),
        ("redis://h/name", "has a path"),
        ("redis://::1:6379", "names no host"),
        ("redis://a,b", "names several hosts"),
        ("redis://h /0", "holds a blank"),
        ("unix://run/redis.sock", "must have the absolute path"),
        ("unix://", "must have the absolute path"),
        (f"unix:///{'x' * 108}", "names a socket whose path"),
        ("sentinel://h/0", "names no master"),
    ],
)
def test_it_refuses_what_some_process_could_not_use(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        address.read(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", [f"redis://u:{PASSWORD}@[::1]:7/3", f"unix://u:{PASSWORD}@/run/a%20b/r.sock?db=3"])
def test_both_libraries_understand_what_they_get(url: str) -> None:
    found = address.read(url)
    ours = redis.ConnectionPool.from_url(clients.redis_url(found)).connection_kwargs
    theirs = url_to_parts(clients.broker_url(found))
    assert (ours["username"], ours["password"], ours["db"]) == ("u", PASSWORD, 3)
    assert (theirs.username, theirs.password) == ("u", PASSWORD)
    if found.kind == "unix":
        assert (ours["path"], theirs.path, theirs.query) == ("/run/a b/r.sock", "run/a b/r.sock", {"virtual_host": "3"})
    else:
        assert (theirs.hostname, theirs.port, theirs.path) == (ours["host"], ours["port"], "3")


def test_a_certificate_is_required_unless_the_url_says_otherwise(tmp_path: Path) -> None:
    assert clients.tls(address.read("rediss://h")) == {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    given = tmp_path / "ca.pem"
    given.touch()
    found = clients.tls(address.read(f"rediss://h?ssl_cert_reqs=CERT_NONE&ssl_ca_certs={given}"))
    assert found == {"ssl_cert_reqs": "none", "ssl_check_hostname": False, "ssl_ca_certs": str(given)}
    connection = redis.SSLConnection(**clients.tls(address.read("rediss://h")))
    assert connection.cert_reqs == ssl.CERT_REQUIRED
