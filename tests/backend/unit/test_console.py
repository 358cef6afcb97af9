"""The page of the console: its addresses, its policy, the files that it loads, and the check of its build."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import Client

from backend.console import PAGES
from tools import console

ID = "01a22bbd-e575-73e7-9035-5cc8cc204a91"


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in PAGES), f"/history/{ID}", "/history/"])
def test_its_addresses_show_the_page(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert b'<div id="root">' in response.content
    assert response.cookies["csrftoken"].value


@pytest.mark.parametrize("path", ["/predicts", "/history/a/b", "/console", "/ml/v1/history/x/y/", "/nothing"])
def test_other_unknown_paths_stay_problems(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_can_only_be_read(method: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, "/predict")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


def test_its_policy_allows_its_own_origin_and_a_fresh_nonce_for_styles(client: Client) -> None:
    nonces = set()
    for _ in range(2):
        response = client.get("/")
        policy = dict(each.strip().split(" ", 1) for each in response["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == "'self'"
        found = re.fullmatch(r"'self' 'nonce-([\w-]{20,})'", policy["style-src"])
        assert found is not None
        assert f'nonce="{found[1]}"' in response.content.decode()
        nonces.add(found[1])
    assert len(nonces) == 2
    assert "unsafe" not in response["Content-Security-Policy"]


def test_it_has_no_inline_scripts_or_styles_and_loads_nothing_from_elsewhere(client: Client) -> None:
    html = client.get("/").content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=|https?://", html)
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    assert len(loaded) > 2
    assert all((project.CONSOLE_DIR / url.removeprefix("/static/console/")).is_file() for url in loaded)


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in PAGES), f"/history/{ID}"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_page_names_its_own_scripts_first(client: Client, path: str, language: str) -> None:
    response = client.get(path, headers={"accept-language": language})
    named = re.findall(r'<link rel="modulepreload" href="/static/console/([^"]+)"', response.content.decode())
    assert all((project.CONSOLE_DIR / name).is_file() for name in named)
    names = [name.removeprefix("assets/")[: -len("-12345678.js")] for name in named]
    page = "record" if path.endswith(ID) else path.strip("/") or "predict"
    assert page in names
    assert {name for name in names if name in {"en", "ko"}} == {language}
    assert "Accept-Language" in response["Vary"]


@pytest.mark.django_db  # closing a response closes its connections
def test_its_assets_are_compressed_and_kept_for_ever(client: Client) -> None:
    url = re.findall(r'src="(/static/console/assets/[^"]+\.js)"', client.get("/").content.decode())[0]
    shell = max((project.CONSOLE_DIR / "assets").glob("*.js"), key=lambda file: file.stat().st_size)
    for coding in ("gzip", "br"):
        response = client.get(f"/static/console/assets/{shell.name}", headers={"accept-encoding": coding})
        assert response["Content-Encoding"] == coding
        response.close()
    response = client.get(url)
    assert "immutable" in response["Cache-Control"]
    response.close()


def test_the_committed_build_is_as_new_as_its_source() -> None:
    assert console.check(console.ROOT) == ""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in console.SOURCES:
        source, target = console.ROOT / name, tmp_path / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        else:
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (tmp_path / console.BUILT).mkdir(parents=True)
    console.stamp(tmp_path)
    assert console.check(tmp_path) == ""
    return tmp_path


@pytest.mark.parametrize("name", ["frontend/src/main.tsx", "clients/typescript/src/client.ts", "package-lock.json"])
def test_a_changed_source_makes_the_build_old(copy: Path, name: str) -> None:
    with (copy / name).open("a") as file:
        file.write(" ")
    assert "older than its source" in console.check(copy)


def test_a_test_or_a_text_for_developers_does_not(copy: Path) -> None:
    (copy / "frontend/src/new.test.ts").write_text("x")
    (copy / "frontend/README.md").write_text("x")
    assert console.check(copy) == ""


def test_a_missing_build_is_named(copy: Path) -> None:
    (copy / console.STAMP).unlink()
    assert "not built" in console.check(copy)
