"""A question in a real browser: its SQL and rows, an edited statement, a refused one, and one without an answer."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.console.conftest import ROOT_USER, Open, violations
from tests.support.system import System

DATABASE, ANALYST = "test_ecommerce", "analyst"
BOM = b"\xef\xbb\xbf"
_SHOP = """
import datetime as dt
from pathlib import Path
from django.contrib.auth.models import Group, User
from tests.support.sign_in import PASSWORD
from text_to_sql import demo_databases
from text_to_sql.test_databases import loading
loading.NAMES = ("ecommerce",)
list(loading.write_sqlite(Path("{folder}"), 1, dt.date.today()))
demo_databases.register("ecommerce", {{"engine": "sqlite", "db": "{name}.sqlite3"}})
user = User.objects.create_user("analyst", password=PASSWORD)
user.groups.set(Group.objects.filter(name="analyst"))
"""
pytestmark = pytest.mark.any_database
WORDS = {
    "en": {
        "question": "How many customers are there in each city?",
        "changed": "The SQL has changed since",
        "run": "Run",
        "save": "Save as CSV",
        "earlier": "Earlier questions",
        "unknown": "I do not know this question yet",
        "own": "Write the SQL yourself",
        "keep": "Keep as an example",
        "kept": "are kept as an example",
        "not allowed": "Your account may not ask databases",
    },
    "ko": {
        "question": "도시별 고객 수는?",
        "changed": "SQL이 바뀌었습니다",
        "run": "실행",
        "save": "CSV로 저장",
        "earlier": "이전 질문",
        "unknown": "아직 모르는 질문입니다",
        "own": "SQL 직접 작성",
        "keep": "예시로 저장",
        "kept": "예시로 저장했습니다",
        "not allowed": "이 계정으로는 데이터베이스에 질문할 수 없습니다",
    },
}


@pytest.fixture(scope="module")
def shop(console: System) -> None:
    """The demonstration's shop, registered, and an analyst."""
    folder = console.folder / "databases"
    folder.mkdir(exist_ok=True)
    console.manage("shell", "-c", _SHOP.format(folder=str(folder), name=DATABASE))


def ask(page: Page, question: str) -> None:
    page.locator("main textarea").fill(question)
    page.locator("main button[type=submit]").click()


def write(page: Page, sql: str) -> None:
    """Writes over the statement. Emptied first: Chromium styles a text that replaces a bold word, which CSP forbids."""
    editor = page.locator(".cm-content")
    editor.press("Control+A")
    editor.press("Backspace")
    page.keyboard.insert_text(sql)


def run(page: Page, sql: str, words: dict[str, str]) -> None:
    write(page, sql)
    page.get_by_role("button", name=words["run"], exact=True).click()


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("language", "scheme"), [("ko", "dark"), ("en", "light")])
def test_a_question_is_answered_edited_and_refused(open_page: Open, language: str, scheme: str) -> None:
    words = WORDS[language]
    page = open_page("/questions", ANALYST, language=language, scheme=scheme, width=390)
    ask(page, words["question"])
    result = page.get_by_test_id("result")
    expect(page.locator(".cm-content")).to_contain_text("GROUP BY city")
    expect(page.get_by_test_id("tables")).to_contain_text("customers")
    expect(result.get_by_role("row")).to_have_count(11)  # ten cities, and the head
    expect(result.locator(".recharts-surface").first).to_be_visible()
    expect(page.get_by_role("button", name=words["keep"])).to_have_count(0)  # an analyst may not
    assert violations(page) == []

    write(page, "SELECT COUNT(*) AS n FROM customers WHERE city = '서울'")
    expect(result).to_contain_text(words["changed"])
    page.locator(".cm-content").press("Control+Enter")
    expect(result).to_have_attribute("data-stale", "false")
    expect(page.get_by_test_id("summary")).to_contain_text("n: ")
    with page.expect_download() as saved:
        result.get_by_role("button", name=words["save"]).click()
    assert Path(str(saved.value.path())).read_bytes().startswith(BOM + b"n\r\n")

    run(page, "DELETE FROM customers", words)
    expect(page.get_by_role("alert")).to_contain_text("SELECT")
    expect(result).to_have_count(0)  # rows of another statement don't stand below it
    assert violations(page) == []

    page.reload()
    page.get_by_role("region", name=words["earlier"]).get_by_role("button", name=words["question"]).click()
    expect(page.locator(".cm-content")).to_contain_text("GROUP BY city")
    expect(result.get_by_role("row")).to_have_count(11)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_question_without_an_answer_asks_back_and_becomes_an_example(open_page: Open, language: str) -> None:
    words, question = WORDS[language], {"ko": "오늘 날씨는 어때?", "en": "What is the weather?"}[language]
    page = open_page("/questions", ROOT_USER, language=language)
    ask(page, question)
    asked_back = page.get_by_test_id("help")
    expect(asked_back).to_contain_text(words["unknown"])
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(asked_back.get_by_role("listitem").first).to_be_visible()  # what else one may ask
    assert violations(page) == []
    asked_back.get_by_role("button", name=words["own"]).click()
    run(page, "SELECT COUNT(*) AS n FROM orders", words)
    expect(page.get_by_test_id("result")).to_be_visible()
    page.get_by_role("button", name=words["keep"]).click()
    expect(page.get_by_text(words["kept"])).to_be_visible()
    ask(page, question)
    expect(page.locator(".cm-content")).to_contain_text("FROM orders")


def test_a_doctor_is_told_whom_to_ask(open_page: Open) -> None:
    expect(open_page("/questions").get_by_text(WORDS["en"]["not allowed"])).to_be_visible()
