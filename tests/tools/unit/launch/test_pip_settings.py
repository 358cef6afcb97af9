"""The translation of pip's configuration for uv."""

import sys
from pathlib import Path

import pytest

from tools.launch.pip_settings import parse, read, uv_environment, uv_flags


def test_it_reads_what_pip_itself_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://a.example/simple\ntimeout = 7\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.example/simple https://c.example/simple")
    found = read(Path(sys.executable))
    assert found["index-url"] == "https://a.example/simple"
    assert found["timeout"] == "7"
    assert found["extra-index-url"] == "https://b.example/simple https://c.example/simple"


def test_the_command_s_section_is_stronger_and_a_variable_strongest() -> None:
    lines = [":env:.a='3'", "install.a='2'", "install.b='2'", "global.b='1'", "global.c='1'", "download.c='9'"]
    assert parse("\n".join(lines)) == {"a": "3", "b": "2", "c": "1"}


def test_a_value_may_hold_anything() -> None:
    listed = "global.index-url='https://u:p=\\'w@a.example/simple'\nglobal.extra-index-url='\\nfile:///a\\nfile:///b'"
    assert parse(listed) == {
        "index-url": "https://u:p='w@a.example/simple",
        "extra-index-url": "\nfile:///a\nfile:///b",
    }


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ({"index-url": "https://u:p@a.example/simple"}, {"UV_DEFAULT_INDEX": "https://u:p@a.example/simple"}),
        (
            {"extra-index-url": "\nfile:///a\nfile:///b"},
            {"UV_INDEX": "file:///a file:///b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"trusted-host": "a.example b.example"}, {"UV_INSECURE_HOST": "a.example b.example"}),
        ({"timeout": "180"}, {"UV_HTTP_TIMEOUT": "180"}),
        ({"cert": "/ca.pem", "client-cert": "/me.pem"}, {"SSL_CERT_FILE": "/ca.pem", "SSL_CLIENT_CERT": "/me.pem"}),
        (
            {"proxy": "http://u:p@proxy.example"},
            dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://u:p@proxy.example"),
        ),
        ({"no-input": "1"}, {}),
    ],
)
def test_a_setting_becomes_uv_s_variable(settings: dict[str, str], variables: dict[str, str]) -> None:
    assert uv_environment(settings, {}) == {"UV_SYSTEM_CERTS": "1", **variables}


def test_what_the_user_set_for_uv_is_kept() -> None:
    environment = {"UV_DEFAULT_INDEX": "https://mine.example", "UV_SYSTEM_CERTS": "0", "HOME": "/home/me"}
    assert uv_environment({"index-url": "https://a.example/simple"}, environment) == environment


def test_certificates_that_requests_uses_count_for_uv_too(tmp_path: Path) -> None:
    assert uv_environment({}, {"REQUESTS_CA_BUNDLE": "/ca.pem"})["SSL_CERT_FILE"] == "/ca.pem"
    assert uv_environment({"cert": str(tmp_path)}, {})["SSL_CERT_DIR"] == str(tmp_path)


def test_packages_are_compiled_where_python_may_not_do_it_later() -> None:
    assert uv_environment({}, {"PYTHONDONTWRITEBYTECODE": "1"})["UV_COMPILE_BYTECODE"] == "1"


def test_no_index_is_an_option() -> None:
    assert uv_flags({"no-index": "true"}) == ["--no-index"]
    assert uv_flags({"no-index": "0"}) == []
