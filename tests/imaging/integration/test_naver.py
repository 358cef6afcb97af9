"""Naver Shopping against a server that speaks its protocol: products, the cache, the quota, and bad answers."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from pytest_django import Settings

from imaging import daily_quota
from imaging.calls import Origin, perform
from imaging.exceptions import ProviderError, ProviderQuota, ProviderTimeout
from imaging.models import DailyQuota, NaverSearch, ProviderCall
from imaging.services import naver
from imaging.services.product_search import PRODUCT_SEARCH, Product
from tests.support.model import Conversation, Script, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# An item as Naver documents it, with made-up values.
ITEM = {
    "title": "합성 무소음 <b>무선</b> <b>마우스</b> &amp; 패드",
    "link": "https://shop.example/product/1",
    "image": "https://shop.example/1.jpg",
    "lprice": "21990",
    "hprice": "",
    "mallName": "합성 상점",
    "productId": "1",
    "productType": "1",
    "brand": "합성",
    "maker": "",
    "category1": "디지털/가전",
    "category2": "주변기기",
    "category3": "마우스",
    "category4": "무선마우스",
}
FOUND = {"lastBuildDate": "Mon, 30 Nov 2026 17:00:00 +0900", "total": 1, "start": 1, "display": 1, "items": [ITEM]}


def answers(value: Any, status: str = "200 OK") -> Script:
    return lambda conversation: conversation.answer(json.dumps(value).encode(), status=status)


def error(status: str, code: str) -> Script:
    return answers({"errorMessage": "secret words", "errorCode": code}, status)


@pytest.fixture(autouse=True)
def server(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    settings.IMAGES_PRODUCT_SEARCH = "imaging.services.naver.NaverShopping"
    settings.NAVER_BASE_URL = model.url
    settings.NAVER_CLIENT_ID, settings.NAVER_CLIENT_SECRET = "an-id", "its-secret"
    settings.NAVER_SECONDS = 20.0
    model.script = answers(FOUND)
    return model


@pytest.fixture
def search(gateway: Any) -> Callable[[str], Any]:
    return lambda keyword: perform(PRODUCT_SEARCH, keyword, Origin("ann", "job-7"))


Search = Callable[[str], Any]


def test_an_item_becomes_a_product_without_markup(server: ScriptedModel, search: Search) -> None:
    assert search("무선 마우스") == (
        Product(
            title="합성 무소음 무선 마우스 & 패드",
            price="21990",
            mall="합성 상점",
            link="https://shop.example/product/1",
            image="https://shop.example/1.jpg",
            main_category="마우스",
            sub_category="무선마우스",
        ),
    )
    [request] = server.requests
    assert request.line.startswith("GET /v1/search/shop.json?query=%EB%AC%B4")
    assert parse_qs(urlsplit(request.line.split()[1]).query) == {"query": ["무선 마우스"], "display": ["5"]}
    assert request.fields["x-naver-client-id"] == "an-id"
    assert request.fields["x-naver-client-secret"] == "its-secret"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"category3": "", "category4": ""}, ("디지털/가전", "주변기기")),
        ({"category2": "", "category3": "", "category4": ""}, ("디지털/가전", "")),
        ({"category1": "", "category2": "", "category3": "", "category4": ""}, ("", "")),
    ],
)
def test_the_two_most_specific_categories_count(
    server: ScriptedModel, search: Search, changes: dict[str, str], expected: tuple[str, str]
) -> None:
    server.script = answers(FOUND | {"items": [ITEM | changes]})
    [product] = search("마우스")
    assert (product.main_category, product.sub_category) == expected


def test_a_link_that_a_browser_would_run_is_left_out(server: ScriptedModel, search: Search) -> None:
    server.script = answers(FOUND | {"items": [ITEM | {"link": "javascript:alert(1)", "image": "data:,x"}]})
    [product] = search("마우스")
    assert (product.link, product.image) == ("", "")


def test_a_keyword_is_asked_for_once_while_its_answer_is_kept(
    server: ScriptedModel, search: Search, settings: Settings
) -> None:
    first = search("무선  마우스")
    assert search(" 무선 마우스 ") == first
    assert len(server.requests) == 1
    NaverSearch.objects.update(fetched_at=datetime.now(UTC) - timedelta(seconds=settings.NAVER_CACHE_SECONDS + 1))
    search("무선 마우스")
    assert len(server.requests) == 2
    assert NaverSearch.objects.count() == 1


def test_the_cache_is_bounded_and_the_oldest_go(server: ScriptedModel, search: Search, settings: Settings) -> None:
    settings.NAVER_CACHE_KEYWORDS = 3
    for number in range(6):
        search(f"마우스 {number}")
    kept = NaverSearch.objects.order_by("pk").values_list("keyword", flat=True)
    assert list(kept) == ["마우스 3", "마우스 4", "마우스 5"]


def test_without_a_time_nothing_is_kept(server: ScriptedModel, search: Search, settings: Settings) -> None:
    settings.NAVER_CACHE_SECONDS = 0
    for _ in range(2):
        search("마우스")
    assert len(server.requests) == 2
    assert not NaverSearch.objects.exists()


@pytest.mark.parametrize("keyword", ["", " \n", "\0", "\ud800"])
def test_a_blank_keyword_calls_nobody(server: ScriptedModel, search: Search, keyword: str) -> None:
    assert search(keyword) == ()
    assert server.requests == []


def test_a_used_up_quota_is_a_clear_error_and_calls_nobody(
    server: ScriptedModel, search: Search, settings: Settings
) -> None:
    settings.NAVER_DAILY_QUOTA = 2
    search("마우스 1")
    search("마우스 2")
    with pytest.raises(ProviderQuota, match="midnight in Seoul") as raised:
        search("마우스 3")
    assert 0 < int(raised.value.headers["Retry-After"]) <= 86_400
    assert len(server.requests) == 2
    assert len(search("마우스 1")) == 1  # it is kept


def test_without_quota_an_old_answer_is_better_than_none(search: Search, settings: Settings) -> None:
    first = search("마우스")
    NaverSearch.objects.update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
    settings.NAVER_DAILY_QUOTA = 1
    assert search("마우스") == first


def test_the_quota_begins_anew_each_day(settings: Settings, search: Search) -> None:
    settings.NAVER_DAILY_QUOTA = 1
    search("마우스 1")
    DailyQuota.objects.update(day=datetime.now(naver.SEOUL).date() - timedelta(days=1))
    assert len(search("마우스 2")) == 1


def test_naver_s_word_on_the_quota_counts(server: ScriptedModel, search: Search) -> None:
    """Another program may use the same key."""
    server.script = error("429 Too Many Requests", "010")
    for _ in range(2):
        with pytest.raises(ProviderQuota, match="for today are used up"):
            search("마우스")
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_none_exceeds_the_quota() -> None:
    day = datetime.now(naver.SEOUL).date()

    def takes(_: int) -> int:
        try:
            return sum(daily_quota.take("naver", day, 20) for _ in range(6))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(takes, range(8))) == 20
    assert DailyQuota.objects.get().calls == 20


def _stalls(server: ScriptedModel) -> Script:
    return lambda _: (server.gone.wait(60), None)[1]


def _sends(data: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.sock.close()

    return script


def _endless(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conversation.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")


@pytest.mark.parametrize(
    ("script", "kind", "said", "outcome"),
    [
        (error("429 Too Many Requests", "012"), ProviderQuota, "fewer calls at once", "quota"),
        (error("401 Unauthorized", "024"), ProviderError, "check NAVER_CLIENT_ID", "failed"),
        (error("403 Forbidden", "028"), ProviderError, "check NAVER_CLIENT_ID", "failed"),
        (error("400 Bad Request", "SE01"), ProviderError, "HTTP 400", "failed"),
        (error("500 Internal Server Error", "SE99"), ProviderError, "HTTP 500", "failed"),
        (_sends(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), ProviderError, "302", "failed"),
        (answers({"items": "none"}), ProviderError, "documented form", "failed"),
        (answers({"items": [ITEM | {"lprice": "free"}]}), ProviderError, "documented form", "failed"),
        (answers({"items": [ITEM | {"title": None}]}), ProviderError, "documented form", "failed"),
        (answers({"items": [7]}), ProviderError, "documented form", "failed"),
        (answers([]), ProviderError, "documented form", "failed"),
        (lambda conversation: conversation.answer(b"<html>"), ProviderError, "documented form", "failed"),
        (_sends(b"not HTTP"), ProviderError, "can't be reached", "failed"),
        (_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), ProviderError, "can't be", "failed"),
        (_endless, ProviderError, "can't be used", "failed"),
        (_stalls, ProviderTimeout, "NAVER_SECONDS", "timed-out"),
    ],
)  # fmt: skip
def test_a_bad_answer_is_an_error_and_a_record(  # noqa: PLR0917 - fixtures
    server: ScriptedModel,
    search: Search,
    settings: Settings,
    process_records: Callable[[], None],
    script: Any,
    kind: type[ProviderError],
    said: str,
    outcome: str,
) -> None:
    settings.NAVER_SECONDS = 0.3 if kind is ProviderTimeout else 20.0
    server.script = _stalls(server) if script is _stalls else script
    with pytest.raises(kind, match=said) as raised:
        search("마우스")
    assert "secret words" not in raised.value.detail
    assert not NaverSearch.objects.exists()
    process_records()
    row = ProviderCall.objects.get()
    assert (row.provider, row.outcome, row.job) == ("naver", outcome, "job-7")


def test_without_a_key_it_says_what_to_set(server: ScriptedModel, search: Search, settings: Settings) -> None:
    settings.NAVER_CLIENT_SECRET = ""
    with pytest.raises(ProviderError, match="set NAVER_CLIENT_ID"):
        search("마우스")
    assert server.requests == []
    assert not DailyQuota.objects.exists()
