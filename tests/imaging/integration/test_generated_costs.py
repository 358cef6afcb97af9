"""The limit of a caller's costs in a day: reserved before a call, replaced by its real cost, and never exceeded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from imaging.generation import costs, leftovers
from imaging.models import CostReservation
from jobs import runner
from jobs.models import Job
from tests.support.desk_server import CALL_COST, JOBS, NO_DESK, V2, DeskServer, post
from tests.support.gateway import assert_problem

pytestmark = pytest.mark.django_db

RESERVED = 300_000  # microdollars: OPENAI_IMAGE_MAX_COST


def spent() -> int:
    return costs.spent("", datetime.now(UTC).date())


def test_beyond_the_limit_nothing_is_accepted_until_midnight(
    gateway: Client, desks: DeskServer, settings: Settings
) -> None:
    settings.IMAGES_DAILY_COST_LIMIT = 0.5
    assert post(gateway, desks).status_code == 202
    refused = post(gateway, desks, "2.jpg")
    assert "IMAGES_DAILY_COST_LIMIT" in assert_problem(refused, 429, "cost-limit")["detail"]
    assert 0 < int(refused["Retry-After"]) <= 86_401
    assert Job.objects.count() == 1


def test_the_real_cost_replaces_the_reserved_one(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.IMAGES_DAILY_COST_LIMIT = 0.35
    job_id = UUID(post(gateway, desks).json()["id"])
    assert spent() == RESERVED
    runner.run(job_id)
    assert spent() == CALL_COST
    assert post(gateway, desks, "2.jpg").status_code == 202


def test_a_cost_that_is_unknown_counts_as_reserved(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.OPENAI_IMAGE_INPUT_PRICE = settings.OPENAI_IMAGE_OUTPUT_PRICE = 0.0
    runner.run(UUID(post(gateway, desks).json()["id"]))
    assert spent() == RESERVED


@pytest.mark.parametrize("ends", ["cancelled", "no desk"])
def test_a_job_that_called_nobody_costs_nothing(gateway: Client, desks: DeskServer, ends: str) -> None:
    job_id = post(gateway, desks, NO_DESK).json()["id"]
    if ends == "cancelled":
        gateway.post(f"{JOBS}{job_id}/cancel/")
    else:
        runner.run(UUID(job_id))
    leftovers.tidy()
    assert spent() == 0


def test_what_is_free_needs_no_room(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.IMAGES_DAILY_COST_LIMIT = 0.0
    assert post(gateway, desks).status_code == 429
    assert post(gateway, desks, path=V2).status_code == 202
    settings.IMAGE_DRAWER = "imaging.services.image_generation.StyleTransfer"
    assert post(gateway, desks).status_code == 202


def test_after_three_calls_whose_worker_died_no_fourth_is_made(gateway: Client, desks: DeskServer) -> None:
    job_id = UUID(post(gateway, desks).json()["id"])
    now = datetime.now(UTC)
    CostReservation.objects.filter(job=job_id).update(started_at=now)
    for _ in range(2):
        CostReservation.objects.create(job_id=job_id, stage="draw", day=now.date(), microdollars=1, started_at=now)
    assert runner.run(job_id) == "failed"
    assert (Job.objects.get().error or "").startswith("draw: The worker died in 3 calls")
    assert not desks.paid


@pytest.mark.django_db(transaction=True)
def test_callers_at_the_same_moment_cannot_exceed_the_limit_together(
    gateway: Client, desks: DeskServer, settings: Settings
) -> None:
    settings.IMAGES_DAILY_COST_LIMIT = 1.0  # three of 0.3

    def ask(number: int) -> Any:
        try:
            return post(Client(), desks, f"{number}.jpg").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as callers:
        statuses = sorted(callers.map(ask, range(1, 13)))
    assert statuses == [202] * 3 + [429] * 9
    assert spent() == 3 * RESERVED
