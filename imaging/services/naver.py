"""Products from Naver Shopping, by its HTTP API.

https://developers.naver.com/docs/serviceapi/search/shopping/shopping.md

A keyword's answer is kept for `NAVER_CACHE_SECONDS`, and calls are counted by day. Naver's day begins at midnight in
Seoul. If the quota is used up, an older answer is better than none.
"""

import html
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import budget
from common.printable import printable
from imaging import daily_quota
from imaging.exceptions import ProviderError, ProviderQuota, ProviderTimeout
from imaging.models import NaverSearch
from imaging.services.interface import Usage
from imaging.services.product_search import MOST, Product

log = logging.getLogger(__name__)

PROVIDER: Final = "naver"
SEOUL: Final = timezone(timedelta(hours=9))  # without daylight saving time
MOST_BYTES: Final = 2 * 1024 * 1024
CONNECT_SECONDS: Final = 5.0
_KEYWORD_CHARS = 100
_TAG = re.compile(r"</?b>")
_QUOTA_CODE, _SPEED_CODE = "010", "012"  # of the day, and of the moment


class NaverShopping:
    """Naver's search for products."""

    provider = PROVIDER

    def run(self, given: str, usage: Usage) -> Sequence[Product]:
        """At most `MOST` products for a keyword, the best first. Raises `ProviderError`."""
        keyword = " ".join(printable(given, _KEYWORD_CHARS).split())
        usage.model, usage.prompt = "shopping-search", keyword
        if not keyword:
            return ()
        kept = NaverSearch.objects.filter(keyword=keyword).first()
        if kept is not None and kept.fetched_at > _oldest():
            return _read(kept, usage, "kept")
        try:
            products = _fetch(keyword)
        except ProviderQuota:
            if kept is None:
                raise
            return _read(kept, usage, "kept; the quota is used up")
        if settings.NAVER_CACHE_SECONDS:
            _keep(keyword, products)
        usage.answer = {"from": "naver", "products": [asdict(product) for product in products]}
        return products

    def info(self) -> dict[str, Any]:
        """Its limits."""
        limits = {"calls_per_day": settings.NAVER_DAILY_QUOTA, "kept_seconds": settings.NAVER_CACHE_SECONDS}
        return {"model": "shopping-search", "most_products": MOST, **limits}


def _read(kept: NaverSearch, usage: Usage, source: str) -> Sequence[Product]:
    products = tuple(Product(**members) for members in orjson.loads(kept.products))
    usage.answer = {"from": source, "products": [asdict(product) for product in products]}
    return products


def _keep(keyword: str, products: Sequence[Product]) -> None:
    """Keeps an answer, and deletes the oldest ones beyond `NAVER_CACHE_KEYWORDS`."""
    text = orjson.dumps([asdict(product) for product in products]).decode()
    NaverSearch.objects.update_or_create(keyword=keyword, defaults={"products": text, "fetched_at": datetime.now(UTC)})
    newest = NaverSearch.objects.order_by("-fetched_at", "-pk").values_list("fetched_at", flat=True)
    first_beyond = newest[settings.NAVER_CACHE_KEYWORDS : settings.NAVER_CACHE_KEYWORDS + 1]
    for fetched_at in list(first_beyond):
        NaverSearch.objects.filter(fetched_at__lte=fetched_at).delete()


def _oldest() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=settings.NAVER_CACHE_SECONDS)


def _fetch(keyword: str) -> Sequence[Product]:
    """Calls Naver. Raises `ProviderError`."""
    if not (settings.NAVER_CLIENT_ID and settings.NAVER_CLIENT_SECRET):
        raise ProviderError("There is no key for Naver: set NAVER_CLIENT_ID and NAVER_CLIENT_SECRET.")
    today, most = datetime.now(SEOUL).date(), settings.NAVER_DAILY_QUOTA
    if not daily_quota.take(PROVIDER, today, most):
        raise _used_up()
    status, body = _exchange(keyword)
    if status == requests.codes.ok:
        return _products(body)
    code = _error_code(body)
    if code == _QUOTA_CODE:
        daily_quota.use_up(PROVIDER, today, most)
        raise _used_up()
    if status == requests.codes.too_many_requests or code == _SPEED_CODE:
        raise ProviderQuota("Naver takes fewer calls at once. Try again later.")
    if status in {requests.codes.unauthorized, requests.codes.forbidden}:
        fix = "check NAVER_CLIENT_ID and NAVER_CLIENT_SECRET, and that the application may use the search"
        raise ProviderError(f"Naver refuses the key (HTTP {status}): {fix}.")
    raise ProviderError(f"Naver answered HTTP {status}.")


def _exchange(keyword: str) -> tuple[int, bytes]:
    """The answer's status and body. Raises `ProviderError`, whose text quotes nothing of it."""
    url = f"{settings.NAVER_BASE_URL}/v1/search/shop.json?{urlencode({'query': keyword, 'display': MOST})}"
    fields = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "X-Naver-Client-Id": settings.NAVER_CLIENT_ID,
        "X-Naver-Client-Secret": settings.NAVER_CLIENT_SECRET,
    }
    limits = budget(settings.NAVER_SECONDS, connect=CONNECT_SECONDS, most_bytes=MOST_BYTES)
    session = sessions.model_providers()
    try:
        response = session.send(session.prepared("GET", url, fields), stream=True, timeout=limits)
        return response.status_code, bodies.read_body(response, MOST_BYTES)
    except requests.Timeout as exc:
        raise ProviderTimeout(f"Naver did not answer within {settings.NAVER_SECONDS:g} s (NAVER_SECONDS).") from exc
    except requests.RequestException as exc:
        raise ProviderError(f"Naver can't be reached, or its answer can't be used ({type(exc).__name__}).") from exc


def _products(body: bytes) -> Sequence[Product]:
    """Raises `ProviderError`."""
    try:
        return tuple(_product(item) for item in orjson.loads(body)["items"][:MOST])
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ProviderError("Naver's answer is not of the documented form.") from exc


def _product(item: Mapping[str, Any]) -> Product:
    """An item as a product. Its categories are the two most specific ones: 마우스 and 유선마우스."""
    categories = [text for number in range(1, 5) if (text := _text(item.get(f"category{number}", "")))]
    main, sub = [*categories, "", ""][:2] if len(categories) == 1 else ["", "", *categories][-2:]
    return Product(
        title=html.unescape(_TAG.sub("", _text(item["title"]))),
        price=_digits(item["lprice"]),
        mall=_text(item.get("mallName", "")) or "네이버",
        link=_url(item["link"]),
        image=_url(item.get("image", "")),
        main_category=main,
        sub_category=sub,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.strip()


def _digits(value: Any) -> str:
    text = str(value) if isinstance(value, int) else _text(value)
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return text


def _url(value: Any) -> str:
    """The URL, if a browser may open it; else a blank text."""
    text = _text(value)
    return text if urlsplit(text).scheme in {"http", "https"} else ""


def _error_code(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["errorCode"])
    except (ValueError, TypeError, KeyError):
        return ""


def _used_up() -> ProviderQuota:
    now = datetime.now(SEOUL)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    text = f"The {settings.NAVER_DAILY_QUOTA:,} calls of Naver for today are used up (NAVER_DAILY_QUOTA)."
    again = {"Retry-After": str(int((midnight - now).total_seconds()) + 1)}
    return ProviderQuota(f"{text} They begin again at midnight in Seoul.", headers=again)
