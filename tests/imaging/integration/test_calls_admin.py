"""The log of calls of providers in the admin: filters, sums of a period, and nothing that changes a call."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from imaging.models import ProviderCall
from tests.support.access_log import Noted
from tests.support.query_plans import query_costs

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CALLS = "/admin/imaging/providercall/"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROWS = 3000


@pytest.fixture
def auditor(client: Client) -> Client:
    """Signed in with the permission to read calls, of all doctors."""
    client.force_login(reader("view_providercall", "access_all_doctors"))
    return client


def reader(*permissions: str) -> User:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def made(**given: Any) -> ProviderCall:
    values: dict[str, Any] = {
        "recorded_at": NOON, "service": "image_generation", "provider": "openai", "model": "gpt-image-1",
        "outcome": "succeeded", "cost_microdollars": 44_000, "input_tokens": 400, "output_tokens": 1000,
        "latency_ms": 3000.0, "caller": "ann",
    }  # fmt: skip
    return ProviderCall(**values | given)


def store(*calls: ProviderCall) -> None:
    ProviderCall.objects.bulk_create(calls)


def listed(client: Client, **query: str) -> list[str]:
    """The ids in the list."""
    page = client.get(CALLS, query)
    assert page.status_code == 200, page
    return re.findall(rf'href="{CALLS}([^/]+)/change/', page.content.decode())


def summed(client: Client, **query: str) -> list[list[str]]:
    """The table of sums."""
    found = re.search(r'id="sums".*?<tbody>(.*?)</tbody>', client.get(CALLS, query).content.decode(), re.DOTALL)
    rows = found[1].strip().split("</tr>") if found else []
    return [cells for row in rows if (cells := re.findall("<td>(.*?)</td>", row))]


def test_it_filters_by_provider_outcome_and_day(auditor: Client) -> None:
    before = made(recorded_at=NOON - timedelta(days=1))
    failed = made(outcome="failed", cost_microdollars=300_000, recorded_at=NOON + timedelta(seconds=1))
    local = made(provider="local", cost_microdollars=0, recorded_at=NOON + timedelta(seconds=2))
    store(before, failed, local)
    assert listed(auditor) == [str(call.pk) for call in (local, failed, before)]
    assert listed(auditor, provider="local") == [str(local.pk)]
    assert listed(auditor, outcome="failed") == [str(failed.pk)]
    assert listed(auditor, day="2026-11-29") == [str(before.pk)]
    assert listed(auditor, day="2026-11", provider="openai", outcome="succeeded") == [str(before.pk)]
    assert listed(auditor, day="2026-10") == []
    page = auditor.get(CALLS).content.decode()
    assert all(f"?{query}" in page for query in ("provider=openai", "provider=local", "outcome=timed-out"))


def test_it_sums_what_the_calls_of_a_period_cost(auditor: Client) -> None:
    last = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    store(made(), made(recorded_at=last), made(provider="local", cost_microdollars=0, input_tokens=0, output_tokens=0))
    store(made(recorded_at=NOON - timedelta(days=1)), made(recorded_at=last + timedelta(microseconds=1)))
    assert summed(auditor, day="2026-11-30") == [
        ["local", "1", "0", "0", "0"],
        ["openai", "2", "800", "2000", "0.088"],
        ["all", "3", "800", "2000", "0.088"],
    ]
    assert summed(auditor, day="2026-11", provider="openai")[-1] == ["all", "3", "1200", "3000", "0.132"]
    assert summed(auditor, day="2026-10") == [["all", "0", "0", "0", "0"]]
    assert summed(auditor) == []  # of the whole log, they would read all of it


@pytest.mark.parametrize(
    "day", ["2026-13-01", "x", "9999-12-31", "9999-12", "2026-11-30T12:00:00", "' OR 1=1 --", "\0"]
)
def test_a_day_that_is_none_is_refused(auditor: Client, day: str) -> None:
    assert auditor.get(CALLS, {"day": day})["Location"] == f"{CALLS}?e=1"


def test_it_shows_a_call_and_notes_who_looked_at_it(auditor: Client, noted: Noted) -> None:
    call = made(prompt="Draw <b>a desk</b>.", answer='{"usage": 7}', error="none")
    store(call)
    page = auditor.get(f"{CALLS}{call.pk}/change/").content.decode()
    assert "Draw &lt;b&gt;a desk&lt;/b&gt;." in page
    assert "0.044" in page
    assert [each.action for each in noted()] == ["call.read"]


def test_nothing_can_be_changed(client: Client) -> None:
    call = made()
    store(call)
    client.force_login(User.objects.create_superuser("admin"))
    for path in (f"{CALLS}add/", f"{CALLS}{call.pk}/delete/"):
        assert client.post(path, {"post": "yes"}).status_code == 403, path
    assert client.post(f"{CALLS}{call.pk}/change/", {"provider": "nobody"}).status_code == 403
    client.post(CALLS, {"action": "delete_selected", "_selected_action": [call.pk], "post": "yes"})
    assert ProviderCall.objects.get().provider == "openai"


@pytest.mark.parametrize("permissions", [["view_providercall"], ["access_all_doctors"]])
def test_others_see_no_call(client: Client, permissions: list[str]) -> None:
    call = made()
    store(call)
    client.force_login(reader(*permissions))
    page = client.get(CALLS)
    assert page.status_code == 403 or str(call.pk) not in page.content.decode()
    assert client.get(f"{CALLS}{call.pk}/change/").status_code in {403, 404}


@pytest.mark.parametrize("query", [{}, {"provider": "other"}, {"outcome": "failed"}, {"day": "2026-11-30"}])
def test_a_list_reads_one_page_of_a_long_log(auditor: Client, query: dict[str, str]) -> None:
    store(*(some_call(number) for number in range(ROWS)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    costs = query_costs(partial(listed, auditor, **query), "imaging_providercall")
    pages = [cost for cost in costs if "SUM(" not in cost.sql]
    assert pages
    for cost in pages:
        assert cost.rows <= 60, cost
        assert "TEMP B-TREE" not in cost.plan, cost
        assert "Sort" not in cost.plan, cost
        assert "prompt" not in cost.sql.partition("FROM")[0].replace("prompt_version", ""), cost


def some_call(number: int) -> ProviderCall:
    """One in five is of another provider, and one in five failed."""
    provider = "other" if number % 5 == 2 else "openai"
    outcome = "failed" if number % 5 == 3 else "succeeded"
    return made(recorded_at=NOON - timedelta(minutes=number), provider=provider, outcome=outcome)
