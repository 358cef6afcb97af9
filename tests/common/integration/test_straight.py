"""A prediction that uses no database pays for none; one that does leaves its connection as Django would."""

import json
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import OperationalError, connection, connections
from django.test import Client

from common.straight import Handler
from tests.support.door import BODY, predict
from tests.support.model import PREDICTION, ScriptedModel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gateway")]

Answer = tuple[str, dict[str, str], bytes]


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """The signals around requests, as they are sent."""
    found: list[str] = []

    def started(**_: Any) -> None:
        found.append("started")

    def finished(**_: Any) -> None:
        found.append("finished")

    request_started.connect(started)
    request_finished.connect(finished)
    yield found
    request_started.disconnect(started)
    request_finished.disconnect(finished)


def ask(path: str = "/ml/v1/predict/", body: bytes = json.dumps(BODY).encode(), **fields: str) -> Answer:
    """What a WSGI server gets for a POST."""
    started: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        **fields,
    }
    answer = Handler()(environ, lambda *given: started.extend(given))
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return started[0], dict(started[1]), content


def in_a_thread(act: Callable[[], None]) -> None:
    """One that has no database connection yet."""
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


def test_it_answers_as_the_test_client_is_answered(gateway: Client, sent: list[str]) -> None:
    response = predict(gateway)
    sent.clear()

    def act() -> None:
        status, fields, content = ask()
        assert (status, content) == ("200 OK", PREDICTION)
        assert fields.keys() == response.headers.keys()
        assert ask(body=b"{")[0] == "400 Bad Request"
        assert sent == []

    in_a_thread(act)


def test_a_request_of_another_path_is_djangos(sent: list[str]) -> None:
    def act() -> None:
        assert ask("/healthz", body=b"", REQUEST_METHOD="GET")[0] == "200 OK"
        assert sent == ["started", "finished"]

    in_a_thread(act)


def test_a_connection_that_a_prediction_opens_is_looked_after(sent: list[str], model: ScriptedModel) -> None:
    def act() -> None:
        first = ask(HTTP_IDEMPOTENCY_KEY="visit-7")
        assert sent == ["finished"]
        assert connection.connection is not None
        assert ask(HTTP_IDEMPOTENCY_KEY="visit-7")[2] == first[2]
        assert len(model.requests) == 1
        assert sent == ["finished", "started", "finished"]

    in_a_thread(act)


def test_a_connection_that_is_too_old_is_closed_around_a_prediction() -> None:
    def act() -> None:
        connection.ensure_connection()
        connection.close_at = 0
        assert ask()[0] == "200 OK"
        assert connection.connection is None

    in_a_thread(act)


def test_a_connection_that_is_lost_while_it_is_set_up_fails_one_request_and_no_more() -> None:
    def lost(autocommit: bool) -> None:
        connection.connection.close()
        raise OperationalError(f"lost before autocommit was {autocommit}")

    def act() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "_set_autocommit", lost)
            assert ask(HTTP_IDEMPOTENCY_KEY="visit-8")[0] == "503 Service Unavailable"
        assert ask(HTTP_IDEMPOTENCY_KEY="visit-8")[0] == "200 OK"

    in_a_thread(act)
