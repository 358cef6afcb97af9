"""Verdicts are numbered and sealed: `verify_log` names each that was changed, added or removed by SQL."""

import os
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from common.ids import uuid7
from common.row_scope import EVERYTHING
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import newest_first
from ml_proxy.models import Feedback, InferenceLog
from recording.direct_writes import DirectOrigins
from recording.models import Disposition, Origin
from recording.publisher import journal_folder
from recording.publisher.heads import Heads
from recording.seals import keyring
from tests.support.access_log import forget_accesses
from tests.support.feedback import model_answer, post_feedback
from tests.support.inference_rows import NOON
from tests.support.record_pipeline import record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


@pytest.fixture(autouse=True)
def client(gateway: Client) -> Client:
    """A gateway with origins of its own, and an existing journal."""
    journal_folder().mkdir(parents=True, exist_ok=True)
    return gateway


@pytest.fixture
def judged(client: Client) -> UUID:
    """A sealed inference with three verdicts."""
    inference_id = sealed_inference()
    for label in ("malignant", "unclear", "malignant"):
        assert post_feedback(client, inference_id, verdict="correct", label=label, note="n").status_code == 201
    forget_accesses()
    return inference_id


def sealed_inference(**changes: str) -> UUID:
    item = record(**{"output_data": model_answer("benign"), **changes})
    DirectOrigins(keyring().current).write([item])
    return item.id


def verify() -> list[str]:
    out = StringIO()
    try:
        call_command("verify_log", stdout=out)
    except CommandError:
        return list(filter(None, out.getvalue().splitlines()))
    return []


def verdicts() -> list[Feedback]:
    return list(Feedback.objects.order_by("position"))


def place(verdict: Feedback) -> str:
    return f"number {verdict.sequence} of origin {verdict.origin}"


@pytest.mark.usefixtures("judged")
def test_untouched_verdicts_verify_and_each_number_is_a_row() -> None:
    assert verify() == []
    assert {(bool(row.origin), bool(row.seal), row.record_version) for row in verdicts()} == {(True, True, 1)}
    out = StringIO()
    call_command("reconcile", stdout=out)
    counts = dict(line.rsplit(None, 1) for line in out.getvalue().splitlines())
    assert (counts["answered"], counts["written"], counts["missing"]) == ("4", "4", "0")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("verdict", "agree"),
        ("label", "benign"),
        ("note", ""),
        ("caller", "other"),
        ("position", 1),
        ("inference_id", None),
        ("model_name", "other"),
        ("model_version", "8"),
        ("predicted_at", NOON),
        ("recorded_at", NOON),
        ("created_at", NOON),
        ("seal", b"x" * 32),
    ],
)
@pytest.mark.usefixtures("judged")
def test_a_changed_verdict_is_named(column: str, value: Any) -> None:
    changed = verdicts()[1]
    Feedback.objects.filter(pk=changed.pk).update(**{column: uuid7() if column == "inference_id" else value})
    assert f"changed: {place(changed)}: row {changed.pk}" in verify()


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.usefixtures("judged")
def test_a_deleted_verdict_is_named(which: int) -> None:
    deleted = verdicts()[which]
    Feedback.objects.filter(pk=deleted.pk).delete()
    assert verify() == [f"missing: {place(deleted)}: neither row nor disposition nor journal"]


@pytest.mark.usefixtures("judged")
def test_a_newest_verdict_is_named_if_it_was_deleted_with_its_head(client: Client) -> None:
    heads = Heads(journal_folder())
    heads.update()
    heads.save()
    newest = verdicts()[-1]
    Feedback.objects.filter(pk=newest.pk).delete()
    Origin.objects.filter(pk=str(newest.origin)).delete()
    assert post_feedback(client, verdicts()[0].inference_id, verdict="agree").status_code == 201
    assert any(f"of origin {newest.origin}" in line and line.startswith("missing") for line in verify())


@pytest.mark.parametrize("is_copied", [True, False])
@pytest.mark.usefixtures("judged")
def test_an_inserted_verdict_is_named(is_copied: bool) -> None:
    row = verdicts()[0]
    row.id, row.position = uuid7(), Feedback.last_position() + 1
    if not is_copied:
        row.origin = row.sequence = row.seal = row.row_seal = None
    row.save(force_insert=True)
    [line] = verify()
    assert line.startswith("foreign:")
    assert str(row.pk) in line


@pytest.mark.usefixtures("judged")
def test_swapped_verdicts_are_named() -> None:
    first, second = verdicts()[:2]
    for row, other in ((first, second), (second, first)):
        Feedback.objects.filter(pk=row.pk).update(label=other.label)
    assert {f"changed: {place(row)}: row {row.pk}" for row in (first, second)} <= set(verify())


@pytest.mark.usefixtures("judged")
def test_swapped_positions_are_named() -> None:
    """Then another verdict is the newest."""
    first, second = verdicts()[:2]
    for pk, position in ((first.pk, 1), (second.pk, first.position), (first.pk, second.position)):
        Feedback.objects.filter(pk=pk).update(position=position)
    assert {f"changed: {place(row)}: row {row.pk}" for row in (first, second)} <= set(verify())


def test_verdicts_of_an_erased_inference_become_tombstones_that_verify(client: Client, judged: UUID) -> None:
    kept = sealed_inference(patient_name="another")
    post_feedback(client, kept, verdict="agree")
    rows: list[Any] = [InferenceLog.objects.get(pk=judged), *verdicts()[:3]]
    forget_accesses()
    call_command("erase", patient=rows[0].patient_name, reason="asked for", yes=True)
    tombstones = Disposition.objects.filter(kind="erased", reason="asked for")
    assert set(tombstones.values_list("origin", "sequence")) == {(row.origin, row.sequence) for row in rows}
    assert [row.inference_id for row in verdicts()] == [kept]
    assert verify() == []


def test_positions_of_erased_verdicts_are_not_used_again(client: Client, judged: UUID) -> None:
    newest = Feedback.last_position()
    call_command("erase", source="ml_proxy.feedback", inference=judged.hex, reason="asked for", yes=True)
    assert InferenceLog.objects.filter(pk=judged).exists()
    assert post_feedback(client, judged, verdict="agree").json()["id"] > newest
    assert verify() == []


def test_it_refuses_a_filter_that_is_no_id() -> None:
    with pytest.raises(CommandError, match="--inference must be an inference's id"):
        call_command("erase", source="ml_proxy.feedback", inference="x", reason="asked for", yes=True)


def test_positions_increase_even_if_a_clock_was_ahead(client: Client, judged: UUID) -> None:
    ahead = 2**62
    newest = verdicts()[-1]
    Feedback.objects.filter(pk=newest.pk).update(position=ahead)
    assert post_feedback(client, judged, verdict="agree").json()["id"] == ahead + 1
    [example] = newest_first(FeedbackFilter(scope=EVERYTHING))
    assert (example.verdict_id, example.label) == (ahead + 1, "benign")


def test_a_row_without_a_label_exports_as_null(client: Client) -> None:
    inference_id = sealed_inference(output_data="{}")
    assert post_feedback(client, inference_id, verdict="agree").json()["label"] is None
    assert [example.label for example in newest_first(FeedbackFilter(scope=EVERYTHING))] == [None]
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_verdicts_of_one_process_are_one_chain(client: Client, judged: UUID) -> None:
    assert [row.sequence for row in verdicts()] == [1, 2, 3]
    assert len({row.origin for row in verdicts()}) == 1
    with transaction.atomic():
        assert post_feedback(client, judged, verdict="agree").status_code == 201
        transaction.set_rollback(True)
    assert post_feedback(client, judged, verdict="agree").status_code == 201
    assert verdicts()[-1].sequence == 1  # it is unknown whether the number was used
    assert len({row.origin for row in verdicts()}) == 2
    assert verify() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.django_db(transaction=True)
def test_a_forked_process_has_an_origin_of_its_own(client: Client, judged: UUID) -> None:
    connection.close()
    child = os.fork()
    if child == 0:
        os._exit(post_feedback(client, judged, verdict="agree").status_code != 201)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert post_feedback(client, judged, verdict="correct", label="other").status_code == 201
    assert [row.sequence for row in verdicts()] == [1, 2, 3, 1, 4]
    assert verify() == []


def test_it_exports_verdicts_with_their_inference(judged: UUID, tmp_path: Path) -> None:
    call_command("export", source="ml_proxy.feedback", output=tmp_path / "file", inference=str(judged))
    lines = (tmp_path / "file").read_text().splitlines()
    assert len(lines) == 3
    assert all(str(judged) in line for line in lines)
