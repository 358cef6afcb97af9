"""OUTBOUND_TRANSPORT selects the transport adapter; an unknown value stops the process at start."""

from pathlib import Path

import pytest
from pytest_django import Settings
from requests.adapters import HTTPAdapter

from common.outbound import sessions
from common.outbound.llhttp_adapter import LlhttpAdapter
from common.outbound.pinned_adapter import PinnedAddressAdapter
from common.outbound.stock_adapter import StockAdapter
from tests.support.settings_process import run_with_settings


def permits(address: str) -> bool:
    return bool(address)


@pytest.mark.parametrize(
    ("transport", "kinds"),
    [
        ("llhttp", (LlhttpAdapter, LlhttpAdapter, PinnedAddressAdapter)),
        ("requests", (StockAdapter, StockAdapter, StockAdapter)),
    ],
)
def test_it_mounts_the_configured_transport(settings: Settings, transport: str, kinds: tuple[type, ...]) -> None:
    settings.OUTBOUND_TRANSPORT = transport
    made = (sessions.model_server(), sessions.mlflow(), sessions.callers_urls(permits))
    for session, kind in zip(made, kinds, strict=True):
        assert {prefix: type(adapter) for prefix, adapter in session.adapters.items()} == {
            "http://": kind,
            "https://": kind,
        }
        assert not session.trust_env
    assert issubclass(StockAdapter, HTTPAdapter)


def test_an_unknown_transport_stops_the_start_with_a_fix(tmp_path: Path) -> None:
    failed = run_with_settings(tmp_path, DEBUG="1", OUTBOUND_TRANSPORT="urllib")
    assert failed.returncode != 0
    assert failed.stderr == "ml-proxy: OUTBOUND_TRANSPORT can't be 'urllib': set it to llhttp or requests\n"
