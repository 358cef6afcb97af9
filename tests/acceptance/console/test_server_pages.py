"""The pages that the server renders, the reception's and the admin's, are accessible in both languages and schemes."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.console.conftest import AXE, ROOT_USER, Open, violations
from tests.acceptance.console.test_doctors_day import WORDS, predict

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: .venv/bin/python -m tools.node install"),
]

PAGES = (
    "/reception/",
    "/reception/?patient=Nobody",
    "/reception/{id}/",
    "/accounts/",
    "/admin/",
    "/admin/ml_proxy/inferencelog/",
    "/admin/ml_proxy/inferencelog/?q=Nobody",
    "/admin/ml_proxy/inferencelog/{id}/change/",
    "/admin/ml_proxy/feedback/",
    "/admin/jobs/job/",
    "/admin/accounts/accesslog/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/password_change/",
)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ko", "dark")])
def test_no_server_page_violates_accessibility_rules(open_page: Open, language: str, scheme: str) -> None:
    found = {}
    for path in ("/accounts/login/", "/admin/login/"):
        found[path] = violations(open_page(path, "", language=language, scheme=scheme))
    page = open_page("/predict", ROOT_USER, language=language, scheme=scheme)
    inference = _judged(page, language)
    for path in PAGES:
        answer = page.goto(path.format(id=inference))
        assert answer, path
        assert answer.ok, path
        found[path] = violations(page)
    assert {path: faults for path, faults in found.items() if faults} == {}
    page.goto("/reception/")
    expect(page.locator("html")).to_have_attribute("lang", language)


def _judged(page: Page, language: str) -> str:
    """Predicts, gives a verdict, and returns the inference's id."""
    words = WORDS[language]
    predict(page, words, f"Reception {language}")
    page.get_by_test_id("answer").get_by_role("button", name=words["save verdict"]).click()
    expect(page.get_by_test_id("verdicts")).to_be_visible()  # so its row is there
    link = page.get_by_test_id("answer").get_by_role("link", name=words["record"])
    return str(link.get_attribute("href")).rpartition("/")[2]
