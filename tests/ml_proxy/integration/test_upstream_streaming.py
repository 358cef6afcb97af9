"""A long exchange: another thread can abort it, over TLS too, without affecting other exchanges."""

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django import Settings

from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamError
from ml_proxy.upstream import Switch
from tests.support.certificate import self_signed
from tests.support.model import PREDICTION, Conversation, ScriptedModel
from tests.support.training_stream import Stream, is_closed_by_caller
from tests.support.wait import until

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(params=["plain", "TLS"])
def model_server(
    request: pytest.FixtureRequest,
    model: ScriptedModel,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ScriptedModel:
    settings.ML_SERVER_URL = model.url
    if request.param == "TLS":
        certificate = tmp_path / "certificate.pem"
        certificate.write_text(self_signed())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        model._server.socket = context.wrap_socket(model._server.socket, server_side=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        settings.ML_SERVER_URL = model.url.replace("http://", "https://")
    return model


def follow(switch: Switch, lines: list[bytes]) -> None:
    with upstream.exchange("retrain", fields={}, body=b"{}", total_seconds=20, switch=switch) as reply:
        lines.extend(reply.lines() if reply.is_ndjson else [reply.read().body])


@pytest.mark.parametrize("talks", [False, True])
def test_it_can_be_aborted_in_any_wait(model_server: ScriptedModel, talks: bool) -> None:
    switch = Switch()
    hung_up: list[bool] = []
    lines: list[bytes] = []

    def script(conversation: Conversation) -> None:
        if talks:
            Stream(conversation).progress(1, "a")
        hung_up.append(is_closed_by_caller(conversation))

    model_server.script = script
    with ThreadPoolExecutor() as pool:
        exchange = pool.submit(follow, switch, lines)
        until(lambda: model_server.requests)
        if talks:
            until(lambda: lines)
        began = time.monotonic()
        switch.cut()
        with pytest.raises(UpstreamError):
            exchange.result(timeout=60)
    assert time.monotonic() - began < 10  # without the abort it would have waited for 20
    assert until(lambda: hung_up) == [True]


def test_it_starts_nothing_after_an_abort(model_server: ScriptedModel) -> None:
    switch = Switch()
    switch.cut()
    with pytest.raises(UpstreamError):
        follow(switch, [])
    assert not model_server.requests


def test_a_late_abort_affects_no_other_exchange(model_server: ScriptedModel) -> None:
    switch = Switch()
    lines: list[bytes] = []
    model_server.script = lambda conversation: conversation.answer()
    follow(switch, lines)
    with upstream.exchange("retrain", fields={}, body=b"", total_seconds=20, switch=Switch()) as reply:
        switch.cut()
        assert reply.read().body == PREDICTION
    assert lines == [PREDICTION]


def test_it_detects_a_model_server_that_disappears(model: ScriptedModel, settings: Settings) -> None:
    settings.ML_SERVER_URL = model.url
    switch = Switch()
    with upstream.exchange("retrain", fields={}, body=b"", total_seconds=20, switch=switch):
        used = switch._socket
        assert used is not None
        assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60
