"""One running system for the folder, with sign-in required, and a browser for each file."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.helpers.browser import CHROMIUM, NO_CHROMIUM, chromium
from tests.support.sign_in import PASSWORD
from tests.support.system import ROOT, System
from tests.support.systems import Migrated, systems
from tools import node

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 60_000  # a busy machine
PARTS = ("redis", "ml_server", "web", "publisher", "worker-logs")
DOCTOR, ROOT_USER = "dr-kim", "root"
_USERS = f"""
from django.contrib.auth.models import Group, User
from accounts.models import Profile
kim = User.objects.create_user("{DOCTOR}", password="{PASSWORD}")
kim.groups.set(Group.objects.filter(name__in=["clinician"]))
Profile.objects.create(user=kim, doctor_name="Dr. Kim")
User.objects.create_superuser("{ROOT_USER}", password="{PASSWORD}")
"""

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips this folder's tests where there is no Chromium."""
    if CHROMIUM:
        return
    skip = pytest.mark.skip(reason=NO_CHROMIUM)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _axe() -> None:
    """Installs axe-core, with all of the console's packages, unless they are there."""
    assert node.install() == 0


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Iterator[System]:
    """A gateway with its model server and log, a clinician, and a superuser."""
    with systems(tmp_path_factory.mktemp, migrated) as make:
        system: System = make(API_AUTH="required")
        system.start(*PARTS)
        system.manage("shell", "-c", _USERS)
        yield system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


Open = Callable[..., Page]


@pytest.fixture
def open_page(console: System, browser: Browser) -> Iterator[Open]:
    """Opens a page: its path, who is signed in, the language and the colours. It fails the test if a script fails."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(
        path: str, user: str = DOCTOR, *, language: str = "en", scheme: Any = "light", width: int = 1440
    ) -> Page:
        context = browser.new_context(
            base_url=console.url,
            color_scheme=scheme,
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            viewport={"width": width, "height": 900},
            accept_downloads=True,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(f"localStorage.setItem('language', '{language}')")
        if user:
            sign_in(context, user)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None
        )
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(context: BrowserContext, user: str) -> None:
    """Signs in as the console does."""
    context.request.get("/accounts/session/")
    token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")
    answer = context.request.post(
        "/accounts/session/", data={"username": user, "password": PASSWORD}, headers={"X-CSRFToken": token}
    )
    assert answer.status == 204


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is. Its preload would add a style, which the content security policy forbids."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")["violations"]
    return [f"{each['id']}: {json.dumps([node['html'][:200] for node in each['nodes']][:3])}" for each in found]
