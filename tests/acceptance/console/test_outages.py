"""The console while a part is down: it says what is down, keeps what was typed, and goes on by itself afterwards."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.console.conftest import PATIENCE_MS, violations
from tests.acceptance.console.test_doctors_day import load_example
from tests.support.postgres import Postgres
from tests.support.processes import frozen
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until

pytestmark = pytest.mark.any_database

PARTS = ("redis", "ml_server", "web", "publisher", "worker-logs", "beat")
MODEL_SECONDS = "2"  # how long the gateway waits for a frozen model server
WORDS = {
    "en": {
        "patient": "Patient",
        "no predictions": "Predictions can’t be served now.",
        "background": "Predictions are served. Work in the background waits.",
        "follows": "A part of this page can’t be loaded now. It follows by itself.",
        "no gateway": "The gateway can’t be reached.",
        "model": "Model server",
        "database": "Database",
        "no answer": "The model did not give a usable answer",
        "too long": "The answer took too long",
        "fetch failed": "The gateway can’t be reached",
    },
    "ko": {
        "patient": "환자",
        "no predictions": "지금은 예측을 제공할 수 없습니다.",
        "background": "예측은 제공됩니다. 백그라운드 작업은 대기 중입니다.",
        "follows": "이 페이지의 일부를 지금 불러올 수 없습니다. 가능해지면 자동으로 표시됩니다.",
        "no gateway": "게이트웨이에 연결할 수 없습니다. 이 페이지가",
        "model": "모델 서버",
        "database": "데이터베이스",
        "no answer": "모델이 쓸 수 있는 답을 주지 않았습니다",
        "too long": "응답이 너무 오래 걸렸습니다",
        "fetch failed": "게이트웨이에 연결할 수 없습니다",
    },
}


@pytest.fixture(scope="module")
def system(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    made = System(
        tmp_path_factory.mktemp("outages"),
        database_url=own_postgres.make_database("outages"),
        UPSTREAM_TOTAL_SECONDS=MODEL_SECONDS,
    )
    made.manage("migrate", "-v0")
    made.start(*PARTS)
    until(lambda: is_ready(made), seconds=3 * DEADLINE_SECONDS, what="all parts")
    yield made
    made.stop()


def is_ready(system: System) -> bool:
    return bool(requests.get(f"{system.url}/readyz", timeout=10).json()["status"] == "ready")


@pytest.fixture(params=["en", "ko"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def words(language: str) -> dict[str, str]:
    return WORDS[language]


@pytest.fixture
def page(system: System, browser: Browser, language: str) -> Iterator[Page]:
    """A page; what the browser reports as an error fails the test."""
    context = browser.new_context(base_url=system.url)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(f"localStorage.setItem('language', '{language}')")
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@contextmanager
def killed(system: System, name: str) -> Iterator[None]:
    system.kill(name)
    try:
        yield
    finally:
        system.start(name)


def suspended(system: System, name: str) -> AbstractContextManager[None]:
    return frozen(system.family(name))


def banner_says(page: Page, *texts: str) -> None:
    """Waits for the banner, and checks that a screen reader can read the page as it is.

    Without a failed write or a new page before, it takes up to 15 s: the console asks no more often while all is well.
    """
    for text in texts:
        expect(page.get_by_role("status").first).to_contain_text(text)
    assert violations(page) == []


def banner_goes(page: Page) -> None:
    expect(page.get_by_role("status").first).to_be_empty()


def fill(page: Page, words: dict[str, str], patient: str) -> None:
    page.goto("/predict")
    load_example(page)
    page.get_by_label(words["patient"], exact=True).fill(patient)


def send(page: Page) -> None:
    page.locator("main button[type=submit]").first.click()


@pytest.mark.parametrize(("away", "title"), [(killed, "no answer"), (suspended, "too long")])
def test_the_model_server_is_away_and_back(
    system: System, page: Page, words: dict[str, str], away: Callable[..., AbstractContextManager[None]], title: str
) -> None:
    fill(page, words, "Kept Person")
    with away(system, "ml_server"):
        send(page)
        expect(page.get_by_role("alert")).to_contain_text(words[title])
        banner_says(page, words["no predictions"], words["model"])
        expect(page.get_by_label(words["patient"], exact=True)).to_have_value("Kept Person")
        other = page.context.new_page()  # a page that is opened now has no model yet
        other.goto("/predict")
        expect(other.get_by_role("status").first).to_contain_text(words["follows"])
        expect(other.get_by_role("alert")).to_have_count(0)
    banner_goes(page)
    send(page)
    expect(page.get_by_test_id("answer")).to_contain_text("Kept Person")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(other.get_by_label(words["patient"], exact=True)).to_be_visible()
    banner_goes(other)


def test_redis_is_away_and_back(system: System, page: Page, words: dict[str, str], language: str) -> None:
    patient = f"Redis {language}"
    with killed(system, "redis"):
        fill(page, words, patient)
        banner_says(page, words["background"], "Redis")
        send(page)
        expect(page.get_by_test_id("answer")).to_contain_text(patient)
    banner_goes(page)
    is_listed(page, patient)


def test_the_database_is_away_and_back(
    own_postgres: Postgres, system: System, page: Page, words: dict[str, str], language: str
) -> None:
    patient = f"Database {language}"
    with own_postgres.stopped():
        fill(page, words, patient)
        banner_says(page, words["background"], words["database"])
        send(page)
        expect(page.get_by_test_id("answer")).to_contain_text(patient)  # the journal has its record
        page.locator("a[href='/history']").first.click()
        expect(page.get_by_role("status").first).to_contain_text(words["follows"])
        expect(page.get_by_role("alert")).to_have_count(0)
        page.reload()
        expect(page.get_by_role("status").first).to_contain_text(words["follows"])
        assert violations(page) == []
    expect(page.get_by_test_id("rows")).to_be_visible()  # without a click
    banner_goes(page)
    is_listed(page, patient)


def test_the_gateway_is_away_and_back(system: System, page: Page, words: dict[str, str]) -> None:
    fill(page, words, "Gateway Person")
    with killed(system, "web"):
        send(page)
        expect(page.get_by_role("alert")).to_contain_text(words["fetch failed"])
        banner_says(page, words["no gateway"])
    banner_goes(page)
    send(page)
    expect(page.get_by_test_id("answer")).to_contain_text("Gateway Person")


def is_listed(page: Page, patient: str) -> None:
    """Waits until the history shows the record."""
    page.goto("/history")
    link = page.get_by_role("link", name=patient, exact=True)

    def is_shown() -> bool:
        page.locator("main form button[type=submit]").click()
        expect(link).to_be_visible(timeout=2000)
        return True

    until(is_shown, what=patient)
