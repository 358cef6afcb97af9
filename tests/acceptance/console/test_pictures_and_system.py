"""Pictures and System in a real browser: a photo becomes a picture by real models, and a part that is down is named."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.console.conftest import Open, violations
from tests.support import weights
from tests.support.system import ROOT, System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

PATIENCE_MS = 60_000  # a busy machine
EXAMPLES = ROOT / "docs" / "examples"
CATALOGUE = ROOT / "imaging" / "products" / "synthetic_products.csv"
PARTS = ("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs", "beat")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WORDS = {
    "en": {
        "desk": "A drawn desk",
        "cup": "A cup, no desk",
        "make": "Make a better desk",
        "ask": "Is it a desk?",
        "yes": "This photo shows a desk.",
        "no": "This photo shows no desk",
        "after": "The new picture",
        "before": "The photo before",
        "open": "Open",
        "works": "Works",
        "down": "Down",
        "check": "Check now",
        "entries": "Show entries",
        "none missing": "None is missing",
    },
    "ko": {
        "desk": "그린 책상",
        "cup": "컵 (책상 아님)",
        "make": "더 나은 책상 만들기",
        "ask": "책상인가요?",
        "yes": "책상이 보이는 사진입니다.",
        "no": "책상이 보이지 않는 사진",
        "after": "새 사진",
        "before": "원래 사진",
        "open": "열기",
        "works": "정상",
        "down": "멈춤",
        "check": "지금 확인",
        "entries": "기록 보기",
        "none missing": "누락 없음",
    },
}


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System]) -> System:
    made = make_shared_system(IMAGE_MODELS_DIR=str(weights.fetch()), JOB_HEARTBEAT_SECONDS="0.1")
    made.manage("import_products", str(CATALOGUE))
    made.start(*PARTS)
    until(lambda: requests.get(f"{made.url}/readyz", timeout=10).json()["status"] == "ready", what="all parts")
    return made


@pytest.fixture
def page(system: System, browser: Browser, language: str) -> Iterator[Page]:
    """A page of a phone's width; an error, or what the content security policy refused, fails the test."""
    context = browser.new_context(base_url=system.url, viewport={"width": 390, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(f"localStorage.setItem('language', '{language}')")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def language() -> str:
    return "en"


def assert_accessible(page: Page) -> None:
    """No violation of axe in either colour scheme, and nothing wider than the phone."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == [], scheme
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_photo_becomes_a_picture_with_products(system: System, page: Page, language: str) -> None:
    words = WORDS[language]
    page.goto("/pictures")
    page.get_by_role("button", name=words["desk"]).click()
    page.get_by_role("button", name=words["ask"]).click()
    expect(page.get_by_test_id("verdict")).to_contain_text(words["yes"], timeout=PATIENCE_MS)
    page.evaluate(_WATCH_STAGES)
    page.get_by_role("button", name=words["make"]).click()
    after = page.get_by_alt_text(words["after"])
    expect(after).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("window.seen.size") > 0  # stages as they happened
    for picture in (after, page.get_by_alt_text(words["before"])):
        _wait_for_pixels(picture)
    row = page.get_by_test_id("products").get_by_role("row").nth(1)
    expect(row.get_by_role("link")).to_have_attribute("href", re.compile("^https://"))
    assert re.fullmatch(r"[\d,]+", row.get_by_role("cell").nth(1).inner_text())
    expect(page.get_by_test_id("models")).to_contain_text("efficientnet-lite0")
    assert_accessible(page)

    page.reload()  # opened again, both pictures come from the gateway
    page.get_by_role("button", name=words["open"], exact=True).first.click()
    for name in (words["before"], words["after"]):
        _wait_for_pixels(page.get_by_alt_text(name))


def _wait_for_pixels(picture: Locator) -> None:
    until(lambda: picture.evaluate("it => it.naturalWidth") > 100, what="the picture")


# Notes each stage that is at work, since the page may show it for a moment only.
_WATCH_STAGES = """() => {
  window.seen = new Set();
  const active = () => document.querySelectorAll("[data-state=active]");
  const note = () => active().forEach((it) => window.seen.add(it.dataset.stage));
  new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def test_a_photo_without_a_desk_is_said_plainly(page: Page, language: str) -> None:
    words = WORDS[language]
    page.goto("/pictures")
    page.locator("input[type=file]").set_input_files(EXAMPLES / "no-desk.jpg")
    page.get_by_role("button", name=words["make"]).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(words["no"], timeout=PATIENCE_MS)
    expect(page.locator("[data-stage=classify]")).to_have_attribute("data-state", "failed")
    expect(page.get_by_alt_text(words["after"])).to_have_count(0)
    page.get_by_role("button", name=words["ask"]).click()
    expect(page.get_by_test_id("verdict")).to_contain_text(words["no"], timeout=PATIENCE_MS)
    assert_accessible(page)


def test_a_waiting_job_is_cancelled(system: System, page: Page) -> None:
    system.kill("worker-jobs")
    try:
        page.goto("/pictures")
        page.get_by_role("button", name="A drawn desk").click()
        page.get_by_role("button", name="Make a better desk").click()
        page.get_by_role("button", name="Cancel", exact=True).click()
        expect(page.get_by_role("region", name="This picture")).to_contain_text("Cancelled", timeout=PATIENCE_MS)
    finally:
        system.start("worker-jobs")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_system_names_the_part_that_is_down(system: System, page: Page, language: str) -> None:
    words = WORDS[language]
    page.goto("/system")
    part = page.locator("[data-part=publisher]")
    expect(part).to_contain_text(words["works"])
    expect(page.get_by_test_id("account")).to_contain_text(words["none missing"])
    href = page.locator("a", has_text="Flower").get_attribute("href")
    assert href == f"http://127.0.0.1:{system.environment['FLOWER_PORT']}/"
    page.get_by_role("button", name=words["entries"]).click()
    expect(page.get_by_test_id("access-log").get_by_role("table")).to_be_visible()
    system.kill("publisher")
    try:
        _check_until(page, words["check"], "false")
        expect(part).to_contain_text(words["down"])
        assert_accessible(page)
    finally:
        system.start("publisher")
    _check_until(page, words["check"], "true")


def _check_until(page: Page, button: str, is_ok: str) -> None:
    """Presses the button until the publisher is shown so."""

    def is_shown() -> bool:
        page.get_by_role("button", name=button).click()
        return page.locator("[data-part=publisher]").get_attribute("data-ok") == is_ok

    until(is_shown, what=f"the publisher: {is_ok}")


def test_who_may_not_is_told_what_to_ask_for(open_page: Open) -> None:
    page = open_page("/pictures")
    expect(page.locator("main")).to_contain_text("designer")
    page = open_page("/system")
    expect(page.get_by_role("region", name="Parts")).to_contain_text("Beat")
    expect(page.get_by_role("region", name="Access log")).to_have_count(0)
