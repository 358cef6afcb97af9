"""A request that uses no database pays for none; one that does leaves its connection as Django would."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, connections, reset_queries

from ml_proxy import idle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _serving() -> Iterator[None]:
    idle.spare_idle_requests()
    yield
    request_started.connect(reset_queries)
    for signal in (request_started, request_finished):
        signal.disconnect(idle._look_after)
        signal.connect(close_old_connections)


def in_a_thread(act: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as exc:  # noqa: BLE001 - told below
            failed.append(exc)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed


def test_a_connection_that_is_too_old_is_closed_behind_the_request() -> None:
    def request() -> None:
        request_started.send(sender=None, environ={})
        connection.ensure_connection()
        request_finished.send(sender=None)
        assert connection.connection is not None
        connection.close_at = 0
        request_finished.send(sender=None)
        assert connection.connection is None

    in_a_thread(request)


def test_statements_are_kept_for_no_longer_than_a_request() -> None:
    def request() -> None:
        connection.force_debug_cursor = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert connection.queries
        request_started.send(sender=None, environ={})
        assert not connection.queries

    in_a_thread(request)


def test_a_thread_without_a_connection_looks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("looked for connections")

    monkeypatch.setattr(idle, "close_old_connections", never)
    in_a_thread(lambda: [request_started.send(sender=None, environ={}), request_finished.send(sender=None)])  # type: ignore[arg-type]
