"""OUTBOUND_TRANSPORT says which transport adapter is mounted; anything else stops the process at start."""

from pathlib import Path

import pytest
from pytest_django import Settings
from requests.adapters import HTTPAdapter

from common.outbound import sessions
from common.outbound.llhttp_adapter import LlhttpAdapter
from common.outbound.pinned_adapter import PinnedAddressAdapter
from common.outbound.stock_adapter import StockAdapter
from tests.support.starting import start


def permits(address: str) -> bool:
    return bool(address)


@pytest.mark.parametrize(
    ("transport", "kinds"),
    [
        ("llhttp", (LlhttpAdapter, LlhttpAdapter, PinnedAddressAdapter)),
        ("requests", (StockAdapter, StockAdapter, StockAdapter)),
    ],
)
def test_it_mounts_the_transport_that_is_named(settings: Settings, transport: str, kinds: tuple[type, ...]) -> None:
    settings.OUTBOUND_TRANSPORT = transport
    made = (sessions.model_server(), sessions.mlflow(), sessions.callers_urls(permits))
    for session, kind in zip(made, kinds, strict=True):
        assert {prefix: type(adapter) for prefix, adapter in session.adapters.items()} == {
            "http://": kind,
            "https://": kind,
        }
        assert not session.trust_env
    assert issubclass(StockAdapter, HTTPAdapter)


def test_it_refuses_another_at_start_with_the_mend(tmp_path: Path) -> None:
    failed = start(tmp_path, DEBUG="1", OUTBOUND_TRANSPORT="urllib")
    assert failed.returncode != 0
    assert failed.stderr == "ml-proxy: OUTBOUND_TRANSPORT can't be 'urllib': set it to llhttp or requests\n"
