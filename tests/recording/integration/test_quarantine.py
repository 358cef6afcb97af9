"""Retries of quarantined records, called directly and from the admin."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording.batches import Batch
from recording.ingestion import disposition_seal, write_batch
from recording.journal import Spool, Writer
from recording.models import Disposition
from recording.quarantine import try_again
from recording.seals import UnknownKey, keyring
from tests.support.inference_rows import record_of
from tests.support.record_pipeline import append, record

pytestmark = pytest.mark.django_db

DISPOSITIONS = "/admin/recording/disposition/"


@contextmanager
def unique_doctors() -> Iterator[None]:
    """Makes the database refuse a second row of the same doctor, as a wrong migration might."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX mistake ON ml_proxy_inferencelog (doctor_name)")
        yield
        cursor.execute("DROP INDEX mistake")


@pytest.fixture(autouse=True)
def no_heads(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path / "state"


def settle(folder: Path, writer: Writer) -> Batch:
    writer.close()
    [name] = Spool(folder).segments()
    batch = Batch.of(UUID(name.origin), "host", name.key_id, Spool(folder).entries(name))
    write_batch(batch)
    return batch


@pytest.fixture
def refused(tmp_path: Path, writer: Writer) -> list[InferenceRecord]:
    """Three records of one doctor; the second and third are quarantined for a cause that is now fixed."""
    items = [record() for _ in range(3)]
    for item in items:
        append(writer, item)
    with unique_doctors():
        settle(tmp_path, writer)
    assert list(Disposition.objects.order_by("sequence").values_list("sequence", "reason")) == [
        (2, "the database refuses it (IntegrityError)"),
        (3, "the database refuses it (IntegrityError)"),
    ]
    return items


def quarantined(sequence: int) -> Disposition:
    return Disposition.objects.get(sequence=sequence, kind="quarantined")


def assert_verifies() -> None:
    call_command("verify_log", no_progress=True)


def test_it_becomes_its_row(refused: list[InferenceRecord]) -> None:
    assert try_again(quarantined(2))
    assert record_of(InferenceLog.objects.get(sequence=2)) == refused[1]
    assert not Disposition.objects.filter(sequence=2).exists()
    assert Disposition.objects.filter(sequence=3).exists()
    assert_verifies()


def test_it_stays_with_a_new_reason_if_the_cause_persists(refused: list[InferenceRecord]) -> None:
    before = quarantined(2)
    before.reason = "old"
    before.disposition_seal = disposition_seal(before, keyring().current)
    before.save()
    with unique_doctors():
        assert not try_again(before)
    assert quarantined(2).reason == "the database refuses it (IntegrityError)"
    assert InferenceLog.objects.count() == 1
    assert_verifies()


def test_a_concurrent_retry_and_a_late_message_change_nothing(
    tmp_path: Path, writer: Writer, refused: list[InferenceRecord]
) -> None:
    twice = quarantined(2)
    assert try_again(twice)
    assert try_again(twice)
    settle(tmp_path, writer)
    assert InferenceLog.objects.filter(sequence=2).count() == 1
    assert_verifies()


def test_it_becomes_repeated_if_its_inference_has_a_row_by_now(tmp_path: Path, writer: Writer) -> None:
    item = record()
    for each in (record(), item, item):
        append(writer, each)
    with unique_doctors():
        settle(tmp_path, writer)
    assert try_again(quarantined(2))
    assert try_again(quarantined(3))
    assert list(Disposition.objects.values_list("sequence", "kind")) == [(3, "repeated")]
    assert_verifies()


@pytest.mark.parametrize("bad", [b"no json", record(doctor_name="x" * 101).encode(), b"\xff"])
def test_an_invalid_record_stays(tmp_path: Path, writer: Writer, bad: bytes) -> None:
    writer.append(bad, b"")
    settle(tmp_path, writer)
    assert not try_again(quarantined(1))
    assert bytes(quarantined(1).payload) == bad
    assert_verifies()


def test_bytes_changed_in_quarantine_never_become_a_row(refused: list[InferenceRecord]) -> None:
    Disposition.objects.filter(sequence=2).update(payload=record(patient_name="another").encode())
    assert not try_again(quarantined(2))
    assert quarantined(2).reason == "the database refuses it (IntegrityError)"  # a new seal would hide the change
    assert InferenceLog.objects.count() == 1


def test_it_raises_if_the_key_is_unknown(refused: list[InferenceRecord], settings: Settings) -> None:
    settings.SEAL_KEY = "another key of more than thirty-two characters"
    with pytest.raises(UnknownKey):
        try_again(quarantined(2))
    assert InferenceLog.objects.count() == 1


def retry_form(*dispositions: Disposition) -> dict[str, object]:
    return {"action": "try_again", "_selected_action": [str(disposition.pk) for disposition in dispositions]}


def signed_in(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def test_an_operator_retries_in_the_admin(client: Client, refused: list[InferenceRecord]) -> None:
    signed_in(client, "view_disposition", "change_disposition")
    page = client.get(DISPOSITIONS).content.decode()
    assert "Retry quarantined records" in page
    assert "the database refuses it (IntegrityError)" in page
    Disposition.objects.filter(sequence=3).update(payload=b"changed")
    response = client.post(DISPOSITIONS, retry_form(quarantined(2), quarantined(3)), follow=True)
    page = response.content.decode()
    assert "Left quarantine: 1." in page
    assert "Still in quarantine, each with its reason: 1." in page
    assert set(InferenceLog.objects.values_list("sequence", flat=True)) == {1, 2}


def test_the_admin_reports_a_missing_key(client: Client, refused: list[InferenceRecord], settings: Settings) -> None:
    signed_in(client, "view_disposition", "change_disposition")
    settings.SEAL_KEY = "another key of more than thirty-two characters"
    response = client.post(DISPOSITIONS, retry_form(quarantined(2)), follow=True)
    assert "SEAL_KEY_FALLBACKS" in response.content.decode()


@pytest.mark.parametrize("kind", ["erased", "repeated"])
def test_only_quarantined_records_are_retried(client: Client, kind: str) -> None:
    other = Disposition.objects.create(
        origin=uuid7(), sequence=1, kind=kind, digest=b"", seal=b"", disposition_seal=b""
    )
    signed_in(client, "view_disposition", "change_disposition")
    client.post(DISPOSITIONS, retry_form(other))
    assert Disposition.objects.get().kind == kind


def test_the_view_permission_does_not_allow_a_retry(client: Client, refused: list[InferenceRecord]) -> None:
    signed_in(client, "view_disposition")
    assert "try_again" not in client.get(DISPOSITIONS).content.decode()
    client.post(DISPOSITIONS, retry_form(quarantined(2)))
    assert Disposition.objects.count() == 2


def test_the_change_permission_allows_only_a_retry(client: Client, refused: list[InferenceRecord]) -> None:
    signed_in(client, "view_disposition", "change_disposition", "delete_disposition", "add_disposition")
    pk = quarantined(2).pk
    for where in ("add/", f"{pk}/change/", f"{pk}/delete/"):
        assert client.post(f"{DISPOSITIONS}{where}", {"reason": "x", "post": "yes"}).status_code == 403
    client.post(DISPOSITIONS, retry_form(quarantined(2)) | {"action": "delete_selected", "post": "yes"})
    assert Disposition.objects.count() == 2


def test_a_retry_requires_a_csrf_token(refused: list[InferenceRecord]) -> None:
    client = signed_in(Client(enforce_csrf_checks=True), "view_disposition", "change_disposition")
    assert client.post(DISPOSITIONS, retry_form(quarantined(2))).status_code == 403
    assert Disposition.objects.count() == 2
