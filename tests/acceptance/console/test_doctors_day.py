"""A doctor's whole job in a browser: sign in, predict, find it, judge it, compare, save, and sign out."""

import re
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.console.conftest import DOCTOR, Open
from tests.support.sign_in import PASSWORD
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

WORDS = {
    "en": {
        "sign in": "Sign in",
        "name": "User name",
        "password": "Password",
        "wrong": "The name or the password is wrong.",
        "predict": "Predict",
        "patient": "Patient",
        "changed": "The inputs have changed since",
        "record": "The saved record",
        "save verdict": "Save the verdict",
        "verdict": "Your verdict",
        "any verdict": "Verdict",
        "model": "Model",
        "answer": "malignant",
        "corrected": "Corrected: benign",
        "look up": "Look up",
        "sign out": "Sign out",
    },
    "ko": {
        "sign in": "로그인",
        "name": "사용자 이름",
        "password": "비밀번호",
        "wrong": "사용자 이름 또는 비밀번호가 올바르지 않습니다.",
        "predict": "예측",
        "patient": "환자",
        "changed": "입력이 바뀌었습니다",
        "record": "저장된 기록",
        "save verdict": "소견 저장",
        "verdict": "나의 소견",
        "any verdict": "소견",
        "model": "모델",
        "answer": "악성",
        "corrected": "정정: 양성",
        "look up": "찾기",
        "sign out": "로그아웃",
    },
}


def load_example(page: Page, number: int = 1) -> None:
    """Loads one of the model's example patients."""
    page.locator("main select").nth(1).select_option(index=number)
    expect(page.get_by_role("spinbutton").first).not_to_have_value("")


def predict(page: Page, words: dict[str, str], patient: str) -> None:
    """Predicts for an example patient under another name."""
    load_example(page)
    page.get_by_label(words["patient"], exact=True).fill(patient)
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_test_id("answer")).to_contain_text(patient)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_doctor_predicts_and_finds_the_record(console: System, open_page: Open, language: str) -> None:
    words, patient = WORDS[language], f"홍길동 {language}"
    page = open_page("/", "", language=language)
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label(words["name"]).fill(DOCTOR)
    page.get_by_label(words["password"]).fill("wrong")
    page.get_by_role("button", name=words["sign in"], exact=True).click()
    expect(page.get_by_text(words["wrong"])).to_be_visible()
    page.get_by_label(words["password"]).fill(PASSWORD)
    page.get_by_role("button", name=words["sign in"], exact=True).click()

    predict(page, words, patient)
    answer = page.get_by_test_id("answer")
    expect(answer).to_contain_text("Dr. Kim")  # her own name is there from the start
    expect(answer).to_contain_text("breast-cancer-wisconsin 1")
    expect(answer.get_by_test_id("top-label")).to_have_text(words["answer"])
    expect(answer).to_have_attribute("data-stale", "false")

    page.get_by_label(words["patient"], exact=True).fill("Somebody Else")
    expect(answer).to_have_attribute("data-stale", "true")
    expect(answer).to_contain_text(words["changed"])
    expect(answer).to_contain_text(patient)  # the answer still names whom it is about
    page.get_by_label(words["patient"], exact=True).fill(patient)
    expect(answer).to_have_attribute("data-stale", "false")
    page.get_by_role("spinbutton").first.fill("1")
    expect(answer).to_have_attribute("data-stale", "true")

    answer.get_by_label(words["verdict"]).select_option("benign")
    answer.get_by_role("button", name=words["save verdict"]).click()
    expect(answer.get_by_test_id("verdicts")).to_contain_text(words["corrected"])
    answer.get_by_role("link", name=words["record"]).click()
    expect(page).to_have_url(re.compile("/history/[0-9a-f-]{36}$"))
    expect(page.get_by_test_id("verdicts")).to_contain_text(words["corrected"])
    expect(page.locator("main")).to_contain_text("13.71")
    assert [patient] == [
        name for (name,) in console.sql("SELECT patient_name FROM ml_proxy_inferencelog") if name == patient
    ]

    page.goto("/history")
    page.get_by_label(words["patient"], exact=True).fill(patient)
    page.get_by_role("button", name=words["look up"]).click()
    expect(page.get_by_test_id("rows")).to_have_attribute("data-loaded", "1")
    expect(page.get_by_role("link", name=patient)).to_be_visible()

    model, verdict = (page.get_by_label(words[name], exact=True) for name in ("model", "any verdict"))
    expect(model).to_be_disabled()  # a patient goes with neither
    expect(verdict).to_be_disabled()
    page.get_by_label(words["patient"], exact=True).fill("")
    model.select_option("breast-cancer-wisconsin")
    for choice, count in (("agree", 0), ("correct", 1)):
        verdict.select_option(choice)
        page.get_by_role("button", name=words["look up"]).click()
        expect(page.get_by_role("link", name=patient)).to_have_count(count)

    page.goto("/account")
    page.get_by_role("button", name=words["sign out"]).click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto("/history")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_two_inferences_side_by_side_and_all_as_a_file(open_page: Open, tmp_path: Path) -> None:
    page = open_page("/predict")
    for number, patient in enumerate(("Compare One", "Compare Two"), start=1):
        load_example(page, number)
        page.get_by_label("Patient", exact=True).fill(patient)
        page.locator("main button[type=submit]").first.click()
        expect(page.get_by_test_id("answer")).to_contain_text(patient)
    page.get_by_role("link", name="History").first.click()
    for patient in ("Compare One", "Compare Two"):
        until(partial(_is_listed, page, patient), what=patient)
    for patient in ("Compare One", "Compare Two"):
        page.get_by_label(f"Choose {patient} to compare").check()
    page.get_by_role("button", name="Compare 2 of 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("(30 of 31 differ)")
    expect(dialog.get_by_role("row", name="Mean radius")).to_contain_text("9.871")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Save as a file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the file").click()
    download.value.save_as(tmp_path / "history.csv")
    saved = (tmp_path / "history.csv").read_bytes()
    assert saved.startswith(b"\xef\xbb\xbf")
    assert b"Compare One" in saved


def _is_listed(page: Page, patient: str) -> bool:
    """Whether another look at the history finds the patient."""
    page.get_by_role("button", name="Look up").click()
    page.wait_for_load_state("networkidle")
    return page.get_by_role("link", name=patient).count() == 1


def test_missing_inputs_are_marked_and_nothing_is_sent(open_page: Open) -> None:
    page = open_page("/predict")
    expect(page.get_by_role("spinbutton").first).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_text("Enter a value.")).to_have_count(30)
    expect(page.get_by_label("Patient", exact=True)).to_be_focused()
    assert sent == []


def test_a_picture_is_sent_as_a_file_and_shown_in_its_record(open_page: Open) -> None:
    page = open_page("/predict")
    page.get_by_label("Model").select_option("handwritten-digits")
    page.locator("main select").nth(1).select_option(index=1)
    expect(page.get_by_alt_text("What you chose")).to_be_visible()
    page.get_by_label("Patient", exact=True).fill("Picture Person")
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_test_id("answer").get_by_test_id("top-label")).to_have_text(re.compile(r"^\d$"))
    page.get_by_role("link", name="The saved record").click()
    picture = page.locator("figure img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 8


def test_a_session_that_ends_mid_form_loses_nothing(console: System, open_page: Open) -> None:
    page = open_page("/predict")
    load_example(page)
    page.get_by_label("Patient", exact=True).fill("Kept Person")
    page.context.add_cookies([{"name": "sessionid", "value": "ended", "url": console.url}])
    page.locator("main button[type=submit]").first.click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("User name").fill(DOCTOR)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_test_id("answer")).to_contain_text("Kept Person")  # the same call went out again
    expect(page.get_by_label("Patient", exact=True)).to_have_value("Kept Person")


def test_a_token_is_shown_once_works_and_is_revoked(console: System, open_page: Open) -> None:
    page = open_page("/account")
    page.get_by_label("What is it for?").fill("notebook")
    page.get_by_label("history", exact=True).check()
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_test_id("new-token").inner_text()
    context = page.context.browser
    assert context is not None
    fresh = context.new_context(base_url=console.url, extra_http_headers={"Authorization": f"Bearer {token}"})
    assert fresh.request.get("/ml/v1/me/").json()["signed_in_by"] == "token"
    fresh.close()
    page.get_by_role("button", name="Revoke notebook").click()
    expect(page.get_by_role("button", name="Revoke notebook")).to_have_count(0)


def test_each_call_begins_a_trace(open_page: Open) -> None:
    page = open_page("/predict")
    with page.expect_request("**/ml/v1/model-info/") as asked:
        page.reload()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", asked.value.headers["traceparent"])


def test_a_part_that_is_down_is_named_on_every_page(console: System, open_page: Open) -> None:
    page = open_page("/history", "root")
    console.kill("ml_server")
    try:
        page.reload()
        expect(page.get_by_role("status").first).to_contain_text("Predictions can’t be served now.")
    finally:
        console.start("ml_server")
        until(lambda: page.request.get("/readyz").ok, what="the model server")
    page.reload()
    expect(page.get_by_text("Predictions can’t be served now.")).to_have_count(0)
