"""Slots, memory and deadlines of the admission layer."""

import threading
import time
from io import BytesIO

import pytest
from django.db import connection, connections
from pytest_django import Settings

from common.exceptions import BadInput, BodyTooLarge, BodyTooSlow, Busy
from tests.support.wait import until
from tools.launch.admission.exchanges import PIECE_BYTES, Exchange
from tools.launch.admission.memory import Budget
from tools.launch.admission.routes import BODILESS_BYTES, Pools, body_limit
from tools.launch.admission.slots import Pool


def test_a_pool_refuses_after_a_while(settings: Settings) -> None:
    settings.QUEUE_SECONDS = 0.05
    pool = Pool(1)
    slot = pool.take()
    with pytest.raises(Busy):
        pool.take()
    slot.leave()
    assert pool.take() is slot


def test_who_waits_longest_gets_the_slot() -> None:
    pool, order = Pool(1), list[int]()
    slot = pool.take()

    def wait(number: int) -> None:
        mine = pool.take()
        order.append(number)
        mine.leave()

    threads = [threading.Thread(target=wait, args=[number]) for number in range(3)]
    for count, thread in enumerate(threads, start=1):
        thread.start()
        until(lambda: len(pool._waiting) >= count)  # noqa: B023 - it is called at once
    slot.leave()
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_slot_carries_its_database_connection_from_thread_to_thread() -> None:
    pool, seen = Pool(1), []

    def use() -> None:
        slot = pool.take()
        slot.enter()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen.append(connections["default"].connection)
        slot.leave()
        assert not connections.all(initialized_only=True)

    for _ in range(3):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join(60)
    assert len(seen) == 3
    assert len({id(each) for each in seen}) == 1
    seen[0].close()


def test_each_destination_has_a_pool_of_its_own() -> None:
    pools = Pools(8)
    found = [pools.of(path) for path in ("/ml/v1/predict/", "/ml/v1/mlflow/runs/1/", "/readyz", "/ml/v1/history/")]
    assert len(set(map(id, found))) == len(found)
    assert pools.of("/ml/v1/status/") is found[0]
    assert pools.of("/admin/") is found[-1]


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/ml/v1/predict/", "MAX_BODY_BYTES"),
        ("POST", "/admin/login/", "FORM_BODY_BYTES"),
        ("GET", "/ml/v1/status/", BODILESS_BYTES),
        ("DELETE", "/", BODILESS_BYTES),
    ],
)
def test_the_limit_of_a_body_depends_on_path_and_method(
    method: str, path: str, limit: int | str, settings: Settings
) -> None:
    expected = getattr(settings, limit) if isinstance(limit, str) else limit
    assert body_limit({"REQUEST_METHOD": method, "PATH_INFO": path}) == expected


def test_a_budget_is_given_back(settings: Settings) -> None:
    settings.QUEUE_SECONDS = 0.05
    budget = Budget(10)
    budget.take(8)
    with pytest.raises(Busy):
        budget.take(3)
    threading.Timer(0.01, budget.give, [8]).start()
    settings.QUEUE_SECONDS = 10
    budget.take(10)


def test_bytes_that_arrived_extend_the_deadline(settings: Settings) -> None:
    settings.BODY_BYTES_PER_SECOND = 1000
    exchange = Exchange("192.0.2.1")
    now = exchange.begun_at + 5
    assert exchange.is_overdue(now, 4)
    exchange.received = 2000
    assert not exchange.is_overdue(now, 4)


@pytest.mark.parametrize("size", [10, PIECE_BYTES + 10, 5 * PIECE_BYTES])
def test_it_reads_a_body_whole(size: int) -> None:
    body = bytes(size)
    assert Exchange("").read(BytesIO(body + b"more"), size, size) == body
    assert Exchange("").read(BytesIO(body), -1, size) == body
    with pytest.raises(BadInput):
        Exchange("").read(BytesIO(body[:-1]), size, size)
    with pytest.raises(BodyTooLarge):
        Exchange("").read(BytesIO(body), -1, size - 1)


def test_a_body_that_was_cut_off_is_late() -> None:
    exchange = Exchange("")
    exchange.is_late = True
    with pytest.raises(BodyTooSlow):
        exchange.read(BytesIO(b"{"), 500, 500)


def test_a_large_body_below_the_least_rate_is_late(settings: Settings) -> None:
    settings.BODY_SECONDS = 0
    settings.BODY_BYTES_PER_SECOND = 10**9
    exchange = Exchange("")
    exchange.begun_at = time.monotonic() - 10
    with pytest.raises(BodyTooSlow):
        exchange.read(BytesIO(bytes(3 * PIECE_BYTES)), 3 * PIECE_BYTES, 3 * PIECE_BYTES)
