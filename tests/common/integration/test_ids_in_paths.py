"""Ids in paths are read in every form of RFC 9562: in upper and lower case, with and without hyphens."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import UUIDConverter
from pytest_django import Settings

from jobs import submission
from jobs.models import Job, WebhookDelivery
from tests.support.inference_rows import insert_row

pytestmark = pytest.mark.django_db

FORMS: dict[str, Callable[[UUID], str]] = {
    "canonical": str,
    "upper case": lambda row_id: str(row_id).upper(),
    "no hyphens": lambda row_id: row_id.hex,
    "upper case, no hyphens": lambda row_id: row_id.hex.upper(),
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)

HISTORY, JOBS = "/ml/v1/history/", "/ml/v1/retrain/jobs/"


@pytest.fixture(autouse=True)
def _redis(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL = empty_redis


def patterns(resolver: Any) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        else:
            yield entry


def test_no_path_takes_the_canonical_form_only() -> None:
    converters = {str(each.pattern): each.pattern.converters.values() for each in patterns(get_resolver())}
    assert len(converters) > 20
    assert [path for path, used in converters.items() if any(isinstance(each, UUIDConverter) for each in used)] == []


@each_form
def test_it_finds_an_inference(gateway: Client, form: Callable[[UUID], str]) -> None:
    row_id = insert_row().id
    response = gateway.get(f"{HISTORY}{form(row_id)}/")
    assert (response.status_code, response.json()["id"]) == (200, str(row_id))


@each_form
def test_it_takes_feedback(gateway: Client, form: Callable[[UUID], str]) -> None:
    row_id = insert_row().id
    path = f"{HISTORY}{form(row_id)}/feedback/"
    stored = gateway.post(path, {"verdict": "agree"}, content_type="application/json")
    assert (stored.status_code, stored.json()["inference_id"]) == (201, str(row_id))
    assert [each["inference_id"] for each in gateway.get(path).json()] == [str(row_id)]


@each_form
def test_it_finds_and_cancels_a_job(gateway: Client, form: Callable[[UUID], str]) -> None:
    job = Job.objects.create(kind="retrain", **submission.queued_columns())
    WebhookDelivery.objects.create(job=job, url="https://example.com/")
    response = gateway.get(f"{JOBS}{form(job.id)}/")
    assert (response.status_code, response.json()["id"]) == (200, str(job.id))
    response = gateway.post(f"{JOBS}{form(job.id)}/cancel/")
    assert (response.status_code, response.json()["id"]) == (200, str(job.id))
    assert response.json()["state"] == "cancelled"


@each_form
def test_the_admin_finds_both(admin_client: Client, form: Callable[[UUID], str]) -> None:
    row_id, job = insert_row().id, Job.objects.create(kind="retrain", state=Job.State.FAILED)
    assert admin_client.get(f"/admin/ml_proxy/inferencelog/{form(row_id)}/change/").status_code == 200
    assert admin_client.get(f"/admin/jobs/job/{form(job.id)}/change/").status_code == 200


@pytest.mark.parametrize("damage", ["{%s}", "urn:uuid:%s", "%s0", "%s%%0A", "0-%s"])
def test_what_is_no_id_is_a_404(gateway: Client, damage: str) -> None:
    assert gateway.get(f"{HISTORY}{damage % insert_row().id}/").status_code == 404


def test_an_id_with_some_hyphens_is_a_404(gateway: Client) -> None:
    assert gateway.get(f"{HISTORY}{str(insert_row().id).replace('-', '', 1)}/").status_code == 404
