"""Limits of requests per caller: 429 with Retry-After, before anything is done."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from common.rate_limits import RateLimit, SharedTimes
from ml_proxy.models import IdempotencyKey
from tests.support.gateway import Journaled, assert_problem, predict
from tests.support.idempotency import predict_with_key
from tests.support.model import ScriptedModel
from tests.support.settings_process import SERVER, run_with_settings

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HISTORY = "/ml/v1/history/"
SCOPES = {
    "history": [HISTORY, f"{HISTORY}00000000-0000-7000-8000-000000000000/"],
    "export": [f"{HISTORY}export/", "/ml/v1/dataset/"],
    "api": [
        "/ml/v1/status/",
        "/ml/v1/model-info/",
        "/ml/v1/accuracy/",
        "/ml/v1/retrain/jobs/",
        "/ml/v1/me/",
        "/ml/v1/files/x/",
    ],
}


@pytest.fixture(autouse=True)
def _fresh_counts(settings: Settings, tmp_path: Path) -> None:
    settings.METRICS_DIR = tmp_path


def test_a_caller_over_the_limit_gets_a_429_and_nothing_is_done(
    gateway: Client, settings: Settings, model: ScriptedModel, journaled: Journaled
) -> None:
    settings.RATE_LIMITS = {"predict": RateLimit(3, 60)}
    assert [predict(gateway).status_code for _ in range(3)] == [200] * 3
    for refused in (predict(gateway), predict(gateway, b"{"), predict_with_key(gateway)):
        found = assert_problem(refused, 429, "too-many-requests")
        assert "3 requests in 60 s" in found["detail"]
        assert 1 <= int(refused["Retry-After"]) <= 20
    assert (len(model.requests), len(journaled()), IdempotencyKey.objects.count()) == (3, 3, 0)
    assert gateway.get(HISTORY).status_code == gateway.get("/healthz").status_code == 200


def test_retry_after_is_true(gateway: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr("common.rate_limits.time", SimpleNamespace(monotonic=lambda: now[0]))
    settings.RATE_LIMITS = {"predict": RateLimit(2, 10)}
    assert [predict(gateway).status_code for _ in range(3)] == [200, 200, 429]
    now[0] += int(predict(gateway)["Retry-After"]) - 0.5
    assert predict(gateway).status_code == 429
    now[0] += 0.6
    assert [predict(gateway).status_code for _ in range(2)] == [200, 429]
    now[0] += 10
    assert [predict(gateway).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("scope", SCOPES)
def test_each_path_counts_for_its_scope(gateway: Client, settings: Settings, scope: str) -> None:
    settings.RATE_LIMITS = {scope: RateLimit(len(SCOPES[scope]), 60)}
    for expected in (False, True):
        for path in SCOPES[scope]:
            assert (gateway.get(path).status_code == 429) == expected, path
    others = [path for other, paths in SCOPES.items() if other != scope for path in paths]
    assert all(gateway.get(path).status_code != 429 for path in others)


def test_callers_do_not_share_a_limit(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH, settings.RATE_LIMITS = "required", {"predict": RateLimit(1, 60), "history": RateLimit(1, 60)}
    for name in ("dr-kim", "dr-lee"):
        gateway.force_login(User.objects.create_superuser(name))
        token: dict[str, Any] = {"HTTP_X_CSRFTOKEN": "a" * 32}
        gateway.cookies["csrftoken"] = "a" * 32
        assert [predict(gateway, **token).status_code for _ in range(2)] == [200, 429]
        assert [gateway.get(HISTORY).status_code for _ in range(2)] == [200, 429]


def test_anonymous_callers_are_told_apart_by_address(gateway: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {"predict": RateLimit(1, 60)}
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8:1::1", "2001:db8:2::1"):
        assert [predict(gateway, REMOTE_ADDR=address).status_code for _ in range(2)] == [200, 429]
    assert predict(gateway, REMOTE_ADDR="2001:db8:1::2").status_code == 429  # the same subscriber


def test_what_needs_no_caller_has_no_limit(gateway: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = dict.fromkeys(SCOPES, RateLimit(1, 60))
    for path in ("/healthz", "/readyz", "/metrics", "/api/schema/", "/api/docs/"):
        assert 429 not in {gateway.get(path).status_code for _ in range(3)}, path


def test_two_maps_of_the_file_count_together(tmp_path: Path) -> None:
    limit, first, second = RateLimit(10, 1), SharedTimes(tmp_path / "times"), SharedTimes(tmp_path / "times")
    passed = [times.spend(7, limit, 100.0) == 0 for _ in range(10) for times in (first, second)]
    assert passed == [True] * 10 + [False] * 10
    assert first.spend(7, limit, 100.1) == 0
    assert second.spend(7, limit, 100.1) == pytest.approx(0.1)
    assert second.spend(8, limit, 100.1) == 0


def test_the_file_has_no_holes(tmp_path: Path) -> None:
    """If the disk is full, a look at one kills the process."""
    SharedTimes(tmp_path / "times")
    found = (tmp_path / "times").stat()
    assert found.st_blocks * 512 >= found.st_size > 0


def test_a_process_counts_for_itself_without_room_for_the_file(
    gateway: Client, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.METRICS_DIR = tmp_path / "removed"
    settings.RATE_LIMITS = {"history": RateLimit(1, 60)}
    assert [gateway.get(HISTORY).status_code for _ in range(2)] == [200, 429]
    assert "METRICS_DIR fails: No such file" in caplog.text


def test_times_of_before_a_restart_of_the_machine_do_not_count(tmp_path: Path) -> None:
    times = SharedTimes(tmp_path / "times")
    for _ in range(10):
        times.spend(7, RateLimit(10, 60), 1_000_000.0)
    assert times.spend(7, RateLimit(10, 60), 5.0) == 0


@pytest.mark.parametrize("limit", [RateLimit(1, 1), RateLimit(3, 60), RateLimit(999, 3600), RateLimit(10**9, 1)])
def test_rounding_takes_no_request_away(tmp_path: Path, limit: RateLimit) -> None:
    times, count = SharedTimes(tmp_path / "times"), min(limit.requests, 2000)
    assert sum(times.spend(1, limit, 1e7) == 0 for _ in range(count + 1)) == min(count + 1, limit.requests)


@pytest.mark.parametrize(
    "value",
    ["predict", "predict=0/min", "predict=1/day", "nothing=1/s", "predict=1/s,predict=2/s", "off,api=1/s", "=1/s"],
)
def test_a_limit_that_cannot_be_read_stops_the_start(tmp_path: Path, value: str) -> None:
    done = run_with_settings(tmp_path, **SERVER, RATE_LIMITS=value)
    assert done.returncode != 0
    assert done.stderr.startswith("ml-proxy: RATE_LIMITS can't hold ")


def test_limits_are_off_on_ones_own_machine_only(tmp_path: Path) -> None:
    code = "from backend.settings import RATE_LIMITS; print(sorted(RATE_LIMITS), *RATE_LIMITS.values(), sep='; ')"
    assert run_with_settings(tmp_path, code, DEBUG="1").stdout == "[]\n"
    assert run_with_settings(tmp_path, code, **SERVER).stdout.startswith("['api', 'export', 'history']; ")
    assert run_with_settings(tmp_path, code, **SERVER, RATE_LIMITS="off").stdout == "[]\n"
    chosen = run_with_settings(tmp_path, code, DEBUG="1", RATE_LIMITS="predict=600/min, export=10/h").stdout
    assert chosen == "['export', 'predict']; 600 requests in 60 s; 10 requests in 3600 s\n"
