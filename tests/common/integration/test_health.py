"""`/healthz` and `/readyz`: liveness, and readiness part by part."""

from pathlib import Path

import pytest
import redis
from django.test import Client
from pytest_django import Settings

from common import beat_liveness
from recording import recorder
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.wait import until

pytestmark = pytest.mark.django_db


def test_it_is_alive_if_other_parts_fail(gateway: Client, settings: Settings) -> None:
    settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
    assert (gateway.get("/healthz").status_code, gateway.get("/healthz").json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("live_publisher")
def test_it_reports_each_part_with_its_duration(gateway: Client, settings: Settings, empty_redis: str) -> None:
    settings.REDIS_URL = empty_redis
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    parts = response.json()["parts"]
    assert set(parts) == {"model", "journal", "database", "redis", "beat", "publisher", "log"}
    assert all(part["ok"] and part["ms"] >= 0 for part in parts.values())


def test_it_is_degraded_without_redis_because_predictions_still_work(gateway: Client, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert not response.json()["parts"]["redis"]["ok"]


@pytest.mark.usefixtures("live_publisher")
def test_it_is_degraded_without_beat_because_predictions_still_work(
    gateway: Client, settings: Settings, empty_redis: str
) -> None:
    settings.REDIS_URL = empty_redis
    with redis.Redis.from_url(empty_redis) as connection:
        connection.delete(beat_liveness.KEY)
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert [name for name, part in response.json()["parts"].items() if not part["ok"]] == ["beat"]
    assert response.json()["parts"]["beat"]["detail"].startswith("Beat has not run for 60 s: no periodic task is sent")


@pytest.mark.usefixtures("live_beat")
def test_it_is_degraded_without_a_publisher_because_predictions_still_work(
    gateway: Client, settings: Settings, empty_redis: str
) -> None:
    settings.REDIS_URL = empty_redis
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["parts"]["publisher"]["detail"] == "No publisher has run here yet."
    assert [name for name, part in response.json()["parts"].items() if not part["ok"]] == ["publisher"]


def test_it_is_not_ready_without_the_model_server(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"{}", status="503 Loading")
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert response.json()["parts"]["model"]["detail"] == "The model server answered 503."


def test_it_is_not_ready_without_space_for_records(gateway: Client, settings: Settings, tmp_path: Path) -> None:
    settings.JOURNAL_MAX_BYTES = 4096
    recorder.reset()
    (tmp_path / "journal").mkdir(exist_ok=True)
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["parts"]["journal"]["ok"]) == (503, False)


def scrape_without_redis(gateway: Client) -> str:
    """The metrics once they say that Redis is down; measurements are used again for two seconds."""
    metrics = gateway.get("/metrics").content.decode()
    return metrics if "\nml_proxy_redis_up 0.0\n" in metrics else ""


def test_it_says_that_redis_is_out_of_memory(gateway: Client, settings: Settings, empty_redis: str) -> None:
    settings.REDIS_URL = empty_redis
    with redis.Redis.from_url(empty_redis) as connection:
        before = connection.config_get("maxmemory")["maxmemory"]
        connection.config_set("maxmemory", "1")
        try:
            response = gateway.get("/readyz")
            metrics = until(lambda: scrape_without_redis(gateway), what="a scrape with fresh measurements")
        finally:
            connection.config_set("maxmemory", before)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["parts"]["redis"]["detail"].startswith("Redis is out of memory")
    assert "\nml_proxy_queue_messages{" in metrics  # it still answers what needs no memory


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
def test_it_answers_405_to_a_wrong_method(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response["Content-Type"] == "application/problem+json"
