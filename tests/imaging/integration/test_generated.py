"""`/ai/generated/`: a picture in, a job out, whose result has a new picture and products."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from attachments.descriptors import read
from common.ids import uuid7
from imaging.generation import leftovers
from imaging.models import CostReservation, ProviderCall
from imaging.services import storage
from jobs import runner
from jobs.models import Job, StageOutput, WebhookDelivery
from tests.support import malformed_pictures
from tests.support.accounts import bearer
from tests.support.desk_server import CALL_COST, JOBS, NO_DESK, V1, V2, DeskServer, numbered, post, put
from tests.support.gateway import assert_problem
from tests.support.model import Conversation

pytestmark = pytest.mark.django_db


def run(gateway: Client, answer: Any) -> Any:
    """Runs the job of an answer in this process; returns it as its caller sees it."""
    assert answer.status_code == 202, answer.content
    runner.run(UUID(answer.json()["id"]))
    return gateway.get(f"{JOBS}{answer.json()['id']}/").json()


def upload(gateway: Client, data: bytes, **fields: Any) -> Any:
    return gateway.post(V1, {"photo": SimpleUploadedFile("책상.png", data)}, **fields)


def stored(job_id: Any) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in storage.keys(f"jobs/{job_id}/"))


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
    assert [each.filename for each in read(ProviderCall.objects.get(pk=drawing["id"]).files)] == ["made.jpg"]


def test_v2_asks_ones_own_model_server(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.IMAGE_SERVER_KEY = "synthetic-key"
    job = run(gateway, post(gateway, desks, path=V2))
    assert job["state"] == "succeeded", job["error"]
    drawer = next(each for each in job["result"]["models"] if each["service"] == "image_generation")
    assert (drawer["provider"], drawer["model"], drawer["version"]) == ("custom", "own", "3")
    request = desks.server.requests[-1]
    assert request.line == "POST /draw HTTP/1.1"
    assert request.fields["authorization"] == "Bearer synthetic-key"
    assert unquote(request.fields["x-description"]) == "It shows a desk."
    assert request.body[:3] == b"\xff\xd8\xff"


def test_v2_without_a_model_server_names_the_setting(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.IMAGE_SERVER_URL = ""
    job = run(gateway, post(gateway, desks, path=V2))
    assert (job["state"], job["error"][:5]) == ("failed", "draw:")
    assert "set IMAGE_SERVER_URL" in job["error"]


def test_an_upload_needs_no_url_and_is_kept(gateway: Client, desks: DeskServer) -> None:
    answer = upload(gateway, numbered("7"))
    assert desks.server.requests == []
    job = run(gateway, answer)
    initial = gateway.get(job["result"]["initial_image_url"])
    assert initial.content[:3] == b"\xff\xd8\xff"
    assert [request.line.split()[1] for request in desks.server.requests] == ["/v1/images/edits"]
    leftovers.tidy()
    assert stored(job["id"]) == ["initial.jpg", "processed.jpg"]


def test_an_upload_is_decoded_by_the_worker_and_kept_as_it_came_no_longer_than_its_job(
    gateway: Client, desks: DeskServer
) -> None:
    damaged = upload(gateway, malformed_pictures.saved(Image.effect_noise((640, 480), 90), "JPEG")[:-20_000])
    located = upload(gateway, malformed_pictures.located())
    job = run(gateway, damaged)
    assert job["error"] == "fetch: The picture is damaged or truncated: export it anew."
    assert run(gateway, located)["state"] == "succeeded"
    leftovers.tidy()
    kept = [storage.read(key) for key in storage.keys("jobs/")]
    assert len(kept) == 2  # the picture that was located, and what was made of it
    assert not [data for data in kept if malformed_pictures.LOCATION in data]


def test_what_is_no_picture_is_refused_before_there_is_a_job(gateway: Client, desks: DeskServer) -> None:
    assert_problem(upload(gateway, b"<svg></svg>"), 400, "picture-refused")
    assert_problem(post(gateway, desks, "", V1, QUERY_STRING="wait=7"), 400, "bad-input")
    for body in ("{}", "[]", '{"image_url": 7}', '{"initial_image_url": "https://a.example/"}'):
        assert gateway.generic("POST", V1, body, content_type="application/json").status_code == 400
    private = gateway.generic("POST", V1, '{"image_url": "http://10.0.0.1/"}', content_type="application/json")
    assert assert_problem(private, 400, "picture-not-fetched")["errors"][0]["pointer"] == "/image_url"
    assert not Job.objects.exists()


def test_a_picture_without_a_desk_is_not_drawn(gateway: Client, desks: DeskServer) -> None:
    job = run(gateway, post(gateway, desks, NO_DESK))
    assert (job["state"], job["result"]) == ("failed", None)
    assert job["error"].startswith("classify: The picture shows no desk")
    assert not desks.paid
    leftovers.tidy()
    assert stored(job["id"]) == []
    assert not CostReservation.objects.exists()


def test_a_missing_picture_fails_the_stage_fetch(gateway: Client, desks: DeskServer) -> None:
    desks.server.script = lambda conversation: conversation.answer(b"", status="404 Not Found")
    job = run(gateway, post(gateway, desks))
    assert job["error"] == "fetch: The picture's URL returns HTTP 404 instead of a picture."


def refuses(status: str) -> Any:
    def script(conversation: Conversation) -> None:
        conversation.answer(b'{"error": {"message": "secret words"}}', status=status)

    return script


@pytest.mark.parametrize(
    ("status", "calls", "cost"),
    [
        ("500 Oops", 1, 300_000),  # it may have been paid for: never asked again, and the reserved cost counts
        ("429 Too Many", 3, 0),  # tried again within the stage's bounds, and free
    ],
)
def test_a_provider_that_fails_is_asked_again_only_if_nothing_was_paid(
    gateway: Client, desks: DeskServer, status: str, calls: int, cost: int
) -> None:
    desks.drawn = refuses(status)
    job = run(gateway, post(gateway, desks))
    assert (job["state"], job["error"][:5]) == ("failed", "draw:")
    assert "secret words" not in job["error"]
    assert sum(desks.paid.values()) == calls
    assert sum(CostReservation.objects.values_list("microdollars", flat=True)) == cost


def test_a_kept_answer_is_read_again_without_a_call(
    gateway: Client, desks: DeskServer, process_records: Any, settings: Settings
) -> None:
    """As after a worker that died between the answer and the end of its stage."""
    answer = post(gateway, desks)
    job_id = UUID(answer.json()["id"])
    run(gateway, answer)
    Job.objects.filter(pk=job_id).update(state="queued", finished_at=None, result=None)
    StageOutput.objects.filter(job=job_id, stage__in=["draw", "store", "products"]).delete()
    assert runner.run(job_id) == "succeeded"
    assert sum(desks.paid.values()) == 1
    process_records()
    drawings = gateway.get(f"/ai/calls/?job={job_id}&service=image_generation").json()
    assert len(drawings) == 1  # both attempts made the record of the one call


@pytest.mark.parametrize(
    ("service", "keywords", "warnings"),
    [
        ("NoProducts", ["마우스"], ["products for 책상: The shop failed."]),
        ("NoQuota", [], ["products for 책상: The shop's quota is used up."]),
    ],
)
def test_products_that_fail_do_not_fail_the_picture(  # noqa: PLR0917 - three are parameters
    gateway: Client, desks: DeskServer, settings: Settings, service: str, keywords: list[str], warnings: list[str]
) -> None:
    settings.IMAGES_PRODUCT_SEARCH = f"tests.support.desk_server.{service}"
    job = run(gateway, post(gateway, desks))
    assert (job["state"], job["result"]["warnings"]) == ("succeeded", warnings)
    assert [each["keyword"] for each in job["result"]["products"]] == keywords
    assert job["result"]["processed_image_url"]


def test_put_is_idempotent(gateway: Client, desks: DeskServer) -> None:
    job_id = uuid7()
    first, again = (put(gateway, desks, job_id) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"] == str(job_id)
    assert_problem(put(gateway, desks, job_id, "2.jpg"), 422, "key-reused")
    assert Job.objects.count() == 1
    run(gateway, first)
    ended = put(gateway, desks, job_id)
    assert (ended.status_code, ended.json()["state"]) == (200, "succeeded")
    assert sum(desks.paid.values()) == 1


def test_a_form_is_the_same_whatever_its_boundary(gateway: Client, desks: DeskServer) -> None:
    first = upload(gateway, numbered("1"), headers={"Idempotency-Key": "k"})
    again = upload(gateway, numbered("1"), headers={"Idempotency-Key": "k"})
    assert first.json()["id"] == again.json()["id"]
    assert upload(gateway, numbered("2"), headers={"Idempotency-Key": "k"}).status_code == 422


def test_an_id_of_another_caller_is_a_409_and_shows_nothing(
    gateway: Client, desks: DeskServer, settings: Settings
) -> None:
    settings.API_AUTH = "required"
    ann, bob = (bearer(User.objects.create_superuser(name)) for name in ("ann", "bob"))
    job_id = uuid7()
    assert put(gateway, desks, job_id, **ann).status_code == 202
    refusal = assert_problem(put(gateway, desks, job_id, **bob), 409, "conflict")
    assert "ann" not in json.dumps(refusal)


def test_a_cancelled_job_is_not_run(gateway: Client, desks: DeskServer) -> None:
    job_id = upload(gateway, numbered("1")).json()["id"]
    assert stored(job_id) == ["upload"]
    assert gateway.post(f"{JOBS}{job_id}/cancel/").json()["state"] == "cancelled"
    assert runner.run(UUID(job_id)) == "cancelled"
    leftovers.tidy()
    assert stored(job_id) == []
    assert not StageOutput.objects.exists()
    assert not CostReservation.objects.exists()


def test_what_a_killed_worker_had_begun_to_write_is_deleted(
    gateway: Client, desks: DeskServer, files_folder: Path
) -> None:
    job_id = run(gateway, post(gateway, desks))["id"]
    folder = files_folder / "imaging" / "jobs" / job_id
    (folder / ".processed.jpg.0").write_bytes(b"half")
    leftovers.tidy()
    assert [path.name for path in folder.iterdir()] == ["processed.jpg"]


def test_strays_are_deleted_and_what_a_result_names_is_not(gateway: Client, desks: DeskServer) -> None:
    done = run(gateway, post(gateway, desks))["id"]
    running = post(gateway, desks).json()["id"]
    gone, failed = str(uuid7()), run(gateway, post(gateway, desks, NO_DESK))["id"]
    leftovers.tidy()
    for job_id in (done, running, gone, failed):
        storage.save(f"jobs/{job_id}/stray", b"late", "image/jpeg")
    assert leftovers.delete_strays() == 3
    assert stored(done) == ["processed.jpg"]
    assert stored(running) == ["stray.jpg"]
    assert stored(gone) == stored(failed) == []


def test_a_desk_with_a_callback_url_goes_on_as_a_job(gateway: Client, desks: DeskServer, settings: Settings) -> None:
    settings.CALLBACK_HOSTS = ["hooks.example"]
    members = {"initial_image_url": f"{desks.url}/1.jpg", "callback_url": "https://hooks.example/done"}
    answer = gateway.generic("POST", "/ai/classify/", json.dumps(members), content_type="application/json")
    assert answer.status_code == 200, answer.content
    job_id = answer.json()["job"]
    assert answer.json() == {"initial_image_url": members["initial_image_url"], "classify": True, "job": job_id}
    assert runner.run(UUID(job_id)) == "succeeded"
    fetched = [request for request in desks.server.requests if request.line.startswith("GET")]
    assert len(fetched) == 1  # the job begins with the picture that was classified
    assert WebhookDelivery.objects.get().due_at


def test_no_desk_sends_nothing_and_a_bad_callback_url_is_a_400(
    gateway: Client, desks: DeskServer, settings: Settings
) -> None:
    settings.CALLBACK_HOSTS = ["hooks.example"]
    members = {"initial_image_url": f"{desks.url}/{NO_DESK}", "callback_url": "https://hooks.example/done"}
    answer = gateway.generic("POST", "/ai/classify/", json.dumps(members), content_type="application/json")
    assert answer.json() == {"initial_image_url": members["initial_image_url"], "classify": False}
    members["callback_url"] = "https://elsewhere.example/"
    answer = gateway.generic("POST", "/ai/classify/", json.dumps(members), content_type="application/json")
    assert assert_problem(answer, 400, "bad-input")["errors"][0]["pointer"] == "/callback_url"
    assert not Job.objects.exists()


def test_the_job_s_events(gateway: Client, desks: DeskServer) -> None:
    answer = post(gateway, desks)
    job = run(gateway, answer)
    stream: Any = gateway.get(f"{JOBS}{job['id']}/events/")
    assert stream["Content-Type"].startswith("text/event-stream")
    retry, end, _ = b"".join(stream.streaming_content).decode().split("\n\n")
    assert retry == "retry: 1000"
    assert end.startswith("event: end\ndata: ")
    shown = json.loads(end.partition("data: ")[2])
    assert (shown["state"], shown["result"]["description"]) == ("succeeded", "It shows a desk.")
