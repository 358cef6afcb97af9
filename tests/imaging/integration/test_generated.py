"""`/ai/generated/`: a picture in, a job out, whose result has a new picture and products."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from imaging.generation import costs, leftovers
from imaging.generation.kind import DESK_PHOTO
from imaging.models import CostReservation
from imaging.services import storage
from jobs import runner, stages
from jobs.models import Job, StageOutput
from tests.support import desk_server
from tests.support.desk_server import CALL_COST, DeskServer
from tests.support.gateway import assert_problem
from tests.support.model import Conversation

pytestmark = pytest.mark.django_db

V1, V2, JOBS = "/ai/generated/v1/", "/ai/generated/v2/", "/ai/jobs/"


@pytest.fixture
def desks(
    gateway: Client, empty_redis: str, files_folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DeskServer]:
    """The gateway with a scripted server for pictures and providers."""
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat within the test's transaction
    monkeypatch.setattr(stages, "PAUSES", (0.0, 0.0))
    server = DeskServer()
    for name, value in desk_server.settings_of(server).items():
        setattr(settings, name, float(value) if name.endswith(("PRICE", "LIMIT")) else value)
    settings.IMAGE_HOSTS = [server.url]
    yield server
    server.close()


def post(gateway: Client, desks: DeskServer, picture: str = "1.jpg", path: str = V1, **fields: Any) -> Any:
    body = json.dumps({"image_url": f"{desks.url}/{picture}"})
    return gateway.generic("POST", path, body, content_type="application/json", **fields)


def put(gateway: Client, desks: DeskServer, job_id: UUID, picture: str = "1.jpg") -> Any:
    body = json.dumps({"image_url": f"{desks.url}/{picture}"})
    return gateway.generic("PUT", f"{V1}{job_id}/", body, content_type="application/json")


def run(gateway: Client, answer: Any) -> Any:
    """Runs the job of an answer in this process; returns it as its caller sees it."""
    assert answer.status_code == 202, answer.content
    runner.run(UUID(answer.json()["id"]))
    return gateway.get(f"{JOBS}{answer.json()['id']}/").json()


def stored() -> list[str]:
    return sorted(storage.keys("jobs/"))


def test_the_whole_of_a_job(gateway: Client, desks: DeskServer, process_records: Any) -> None:
    answer = post(gateway, desks)
    assert answer["Location"].endswith(f"{JOBS}{answer.json()['id']}/")
    job = run(gateway, answer)
    assert (job["state"], job["error"]) == ("succeeded", None)
    result = job["result"]
    assert result["initial_image_url"] == f"{desks.url}/1.jpg"
    picture = gateway.get(result["processed_image_url"])
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
    assert [each["keyword"] for each in result["products"]] == ["책상", "마우스"]
    assert set(result["products"][0]["details"][0]) == {
        "title", "price", "mall", "link", "image", "main_category", "sub_category",
    }  # fmt: skip
    assert result["description"] == "It shows a desk."
    assert [(each["service"], each["provider"], each["model"]) for each in result["models"]] == [
        ("desk_classify", "local", "always-a-desk"),
        ("vision2text", "local", "one-sentence"),
        ("image_generation", "openai", "gpt-image-1"),
        ("product_search", "local", "one-product"),
    ]
    assert result["warnings"] == []
    process_records()
    calls = gateway.get(f"/ai/calls/?job={job['id']}").json()
    assert [call["service"] for call in reversed(calls)] == [
        "desk_classify", "vision2text", "image_generation", "product_search", "product_search",
    ]  # fmt: skip
    drawing = calls[2]
    assert (drawing["provider"], drawing["cost_microdollars"], drawing["outcome"]) == ("openai", CALL_COST, "succeeded")
    assert [each["filename"] for each in drawing["files"]] == ["made.jpg"]
