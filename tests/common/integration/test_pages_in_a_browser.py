"""The pages work in a real browser under their content security policy. Skipped where there is no Chromium."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import Client
from pytest_django import Settings

from tests.support.inference_rows import insert_row

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = '<script>document.title="owned"</script><img src=x onerror=document.title="owned">\u202e'

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
]


@pytest.fixture
def server(gateway: Client, settings: Settings) -> Iterator[str]:
    """The gateway, which takes everybody for a superuser: a browser without scripts of its own can't sign in."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.support.signed_in.SignedIn"]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    User.objects.create_superuser("dr-kim")
    with ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler) as listening:
        listening.set_app(WSGIHandler())
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def shown(url: str, folder: Path, *more: str) -> tuple[str, str]:
    """What a browser makes of a page, as HTML, and what it complains of."""
    options = [
        *more,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
    ]
    done = subprocess.run(
        [str(CHROMIUM), *options, f"--user-data-dir={folder}", "--dump-dom", url],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_swagger_ui_shows_the_api(server: str, tmp_path: Path) -> None:
    html, complaints = shown(f"{server}/api/docs/", tmp_path)
    assert "/ml/v1/predict/" in html
    assert "dark-mode" not in html
    assert complaints == ""


def test_swagger_ui_is_dark_for_readers_whose_system_is(server: str, tmp_path: Path) -> None:
    html, _ = shown(f"{server}/api/docs/", tmp_path, "--blink-settings=preferredColorScheme=0")
    assert re.search('<html[^>]*class="dark-mode"', html)


@pytest.mark.parametrize(
    "path", ["/", "/admin/", "/admin/auth/user/add/", "/admin/ml_proxy/inferencelog/", "/accounts/access-log/"]
)
def test_a_page_runs_under_its_policy(server: str, tmp_path: Path, path: str) -> None:
    html, complaints = shown(f"{server}{path}", tmp_path)
    assert "</body>" in html
    assert "<title>Log in" not in html
    assert "Content Security Policy" not in complaints


def test_the_admin_shows_hostile_json_as_text(server: str, tmp_path: Path) -> None:
    note = {"note": HOSTILE, "large": HOSTILE * 100_000}  # 10 MiB
    row = insert_row(
        doctor_name="<b>Dr.</b>",
        model_name="<script>",
        input_data=json.dumps(note, ensure_ascii=False),
        output_data=json.dumps([HOSTILE]),
    )
    for path in (f"{row.id}/change/", ""):
        html, complaints = shown(f"{server}/admin/ml_proxy/inferencelog/{path}", tmp_path)
        assert "&lt;script&gt;" in html
        assert not re.search(r"<title>owned|<img src=.?x|<b>Dr", html)
        assert "\u202e" not in html
        assert len(html) < 2_000_000
        assert complaints == ""
