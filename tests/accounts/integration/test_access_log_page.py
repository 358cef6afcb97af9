"""The page for an auditor: who looked at this patient in March?"""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.access_log.records import AccessRecord
from accounts.pages.access_log import PER_PAGE
from common.rate_limits import RateLimit
from tests.support.access_log import Noted, insert_access
from tests.support.accounts import make_user
from tests.support.translations import KOREAN

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PAGE = "/accounts/access-log/"
MARCH = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


@pytest.fixture
def auditor(gateway: Client, settings: Settings) -> Client:
    settings.API_AUTH = "required"
    gateway.force_login(make_user("auditor", "auditor"))
    return gateway


def accounts_in(html: str) -> list[str]:
    rows = re.findall(r"<tr>\s*<td><time[^>]*>[^<]*</time></td>\s*<td>([^<]*?)(?: <span|</td>)", html)
    return [unescape(row) for row in rows]


def link(html: str, text: str) -> str:
    [found] = re.findall(rf'<a href="([^"]+)"[^>]*>{text}</a>', html)
    return unescape(found)


def looks() -> list[AccessRecord]:
    return [
        insert_access(account="feb", recorded_at=MARCH - timedelta(days=20), patients=["김민준"]),
        insert_access(
            account="march", recorded_at=MARCH, patients=["김민준", "Lee"], purpose="진료", address="192.0.2.9"
        ),
        insert_access(account="march-other", recorded_at=MARCH, patients=["Lee"], doctors=["Dr. Park"]),
        insert_access(account="april", recorded_at=MARCH + timedelta(days=17), patients=["김민준"]),
    ]


def test_it_answers_who_looked_at_a_patient_in_march(auditor: Client, noted: Noted) -> None:
    looks()
    asked = {"patient": " 김민준 ", "since": "2026-03-01", "until": "2026-04-01", "doctor": "", "account": ""}
    page = auditor.get(PAGE, asked)
    html = page.content.decode()
    assert accounts_in(html) == ["march"]
    for text in ("2026-03-15 09:00:00", "192.0.2.9", "inference.list, rows: 1", "김민준, Lee", "진료"):
        assert text in html
    look = noted()[-1]
    assert (look.action, look.account, look.row_count) == ("access.list", "auditor", 1)
    assert json.loads(look.patients) == ["김민준"]


@pytest.mark.parametrize(
    ("asked", "found"), [({"doctor": "Dr. Park"}, ["march-other"]), ({"account": "april"}, ["april"])]
)
def test_it_filters_by_doctor_and_account(auditor: Client, asked: dict[str, str], found: list[str]) -> None:
    looks()
    assert accounts_in(auditor.get(PAGE, asked).content.decode()) == found


def test_its_link_exports_what_it_shows(auditor: Client) -> None:
    looks()
    html = auditor.get(PAGE, {"patient": "김민준", "since": "2026-03-01", "until": "2026-04-01"}).content.decode()
    answer = auditor.get(link(html, "All that match, as CSV"))
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert [line.partition(",")[0] for line in lines] == ["account", "march"]


def test_it_is_paged_and_keeps_its_filter(auditor: Client) -> None:
    for number in range(PER_PAGE + 3):
        insert_access(account=f"a{number}", recorded_at=MARCH + timedelta(minutes=number), patients=["김민준"])
    insert_access(account="other", patients=["Lee"])
    first = auditor.get(PAGE, {"patient": "김민준"}).content.decode()
    second = auditor.get(PAGE + link(first, "Older")).content.decode()
    assert accounts_in(first) + accounts_in(second) == [f"a{number}" for number in reversed(range(PER_PAGE + 3))]
    assert 'rel="next"' not in second
    assert accounts_in(auditor.get(PAGE + link(second, "Newest")).content.decode()) == accounts_in(first)


def test_it_shows_hostile_texts_as_text(auditor: Client) -> None:
    insert_access(patients=["<script>alert(1)</script>\u202e"], purpose="<b>", filters='{"patient": "<i>"}')
    html = auditor.get(PAGE, {"account": '"><script>'}).content.decode() + auditor.get(PAGE).content.decode()
    assert "&lt;script&gt;alert(1)" in html
    assert not re.search("<script|<b>|<i>|\u202e", html)


def test_a_wrong_date_is_said_and_nothing_is_looked_up(auditor: Client, noted: Noted) -> None:
    looks()
    answer = auditor.get(PAGE, {"since": "March"})
    assert answer.status_code == 400
    assert "must be a time in ISO 8601" in answer.content.decode()
    assert accounts_in(answer.content.decode()) == []
    assert [each for each in noted() if each.action == "access.list"] == []


def test_it_folds_a_long_list_of_people(auditor: Client) -> None:
    insert_access(patients=[f"P{number}" for number in range(25)])
    assert "more: 15" in auditor.get(PAGE).content.decode()


def test_it_has_the_limit_of_the_api(auditor: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {"history": RateLimit(1, 3600)}
    assert [auditor.get(PAGE).status_code for _ in range(2)] == [200, 429]


def test_the_account_page_links_it_for_those_who_may_read_it(auditor: Client) -> None:
    assert PAGE in auditor.get("/accounts/").content.decode()
    auditor.force_login(make_user("kim", "clinician"))
    assert PAGE not in auditor.get("/accounts/").content.decode()


def test_in_korean_march_is_that_of_seoul(auditor: Client) -> None:
    insert_access(account="last of February", recorded_at=datetime(2026, 2, 28, 14, 59, tzinfo=UTC), patients=["Lee"])
    insert_access(account="first of March", recorded_at=datetime(2026, 2, 28, 15, 0, tzinfo=UTC), patients=["Lee"])
    insert_access(account="first of April", recorded_at=datetime(2026, 3, 31, 15, 0, tzinfo=UTC), patients=["Lee"])
    asked = {"patient": "Lee", "since": "2026-03-01", "until": "2026-04-01"}
    html = auditor.get(PAGE, asked, **KOREAN).content.decode()
    assert accounts_in(html) == ["first of March"]
    assert "2026-03-01 00:00:00" in html
    file = auditor.get(link(html, re.escape("조건에 맞는 기록 전체(CSV)")))
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert [line.partition(",")[0] for line in lines] == ["account", "first of March"]
    assert accounts_in(auditor.get(PAGE, asked).content.decode()) == ["first of April"]
