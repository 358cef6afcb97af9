"""Training and insight in a real browser: a retrain watched to its end, and a correction that reaches insight."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.console.conftest import violations
from tests.support.system import System
from tests.support.wait import until

MODEL = "breast-cancer-wisconsin"
SECONDS = 60_000  # milliseconds, for a busy machine

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System]) -> System:
    made = make_shared_system(JOB_HEARTBEAT_SECONDS="0.2")
    made.start("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs")
    until(lambda: requests.get(f"{made.url}/ml/v1/model-info/", timeout=10).ok, what="the model server")
    return made


@pytest.fixture(params=["en", "ko"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, language: str) -> Iterator[Page]:
    """A page; what the browser reports as an error fails the test."""
    context = browser.new_context(locale={"en": "en-US", "ko": "ko-KR"}[language], timezone_id="Asia/Seoul")
    context.set_default_timeout(SECONDS)
    expect.set_options(timeout=SECONDS)
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    context.close()
    assert errors == []


def assert_accessible(page: Page) -> None:
    """No violation of axe, in the light and in the dark scheme."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # Colors in between have less contrast.
        until(lambda: page.evaluate("document.getAnimations().length") == 0, what="the colors")
        assert violations(page) == [], scheme


def judge(system: System, verdict: str) -> dict[str, Any]:
    """Predicts the model's own example, and agrees, or names the other class. Returns the answer."""
    info = requests.get(f"{system.url}/ml/v1/model-info/", timeout=60).json()
    example = next(each["example"] for each in info["models"] if each["name"] == MODEL)
    response = system.predict({"doctor_name": "Dr. Yoon (synthetic)", "patient_name": "Lee (synthetic)", **example})
    answer: dict[str, Any] = response.json()
    body = {"verdict": verdict} | ({"label": answer["predictions"][1]["label"]} if verdict == "correct" else {})
    path = f"{system.url}/ml/v1/history/{response.headers['X-Inference-ID']}/feedback/"
    until(lambda: requests.post(path, json=body, timeout=60).status_code == 201, what="the row")
    return answer


TRAINING = {
    "en": ("More settings", "Put into service", "Start training", "This training", "Succeeded", "Roll back", "Reason"),
    "ko": ("추가 설정", "서비스 적용", "학습 시작", "이번 학습", "완료", "되돌리기", "이유"),
}


def test_a_retrain_is_watched_to_its_end_and_rolled_back(system: System, page: Page, language: str) -> None:
    settings, service, start, card, ended, roll_back, reason = TRAINING[language]
    judge(system, "agree")
    page.goto(f"{system.url}/training")
    page.get_by_text(settings).click()
    page.get_by_label(service).select_option("always")
    page.get_by_role("button", name=start).click()
    live = page.get_by_role("region", name=card)
    expect(live.get_by_text(ended)).to_be_visible()
    made = live.get_by_text(re.compile(rf"{MODEL} \d+")).inner_text().split()[-1]
    assert_accessible(page)
    row = page.get_by_role("row", name=re.compile(rf"^{int(made) - 1} "))
    row.get_by_role("button", name=roll_back).click()
    page.get_by_label(reason).fill("checked by a test")
    page.get_by_role("dialog").get_by_role("button", name=roll_back, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row.get_by_role("button")).to_have_count(0)  # it serves now
    models = requests.get(f"{system.url}/ml/v1/models/", timeout=60).json()["models"]
    assert next(each["serving"] for each in models if each["name"] == MODEL) == str(int(made) - 1)


INSIGHT = {
    "en": ("Accuracy by version, as doctors judge", "As a table", "Corrected", "To review", "Drift of inputs"),
    "ko": ("의사 판정 기준 버전별 정확도", "표로 보기", "정정", "검토 대상", "입력 드리프트"),
}


def test_a_correction_reaches_insight(system: System, page: Page, language: str) -> None:
    title, as_table, corrected, to_review, drift = INSIGHT[language]
    model = judge(system, "correct")["model"]
    page.goto(f"{system.url}/insight")
    card = page.get_by_role("region", name=title).first
    card.get_by_text(as_table).click()
    row = card.get_by_role("row", name=f"{model['name']} {model['version']}")
    place = card.get_by_role("columnheader").all_inner_texts().index(corrected)
    assert int(row.get_by_role("cell").nth(place).inner_text()) >= 1
    expect(page.get_by_role("heading", name=drift)).to_be_visible()
    expect(page.get_by_role("heading", name=to_review)).to_be_visible()
    assert_accessible(page)
