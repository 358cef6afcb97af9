"""Encrypted records and rows: what is stored, who notices a change, and what a missing key stops."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.access_log.source import ACCESS
from common import encryption
from common.encrypted_fields import CannotCompare
from common.row_scope import EVERYTHING
from ml_proxy import history
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording import erasure, recorder, records
from recording.batches import Batch
from recording.direct_writes import DirectOrigins
from recording.ingestion import write_batch
from recording.journal import Spool
from recording.lookups import lookup
from recording.models import Disposition, LookupKey
from recording.quarantine import try_again
from recording.reencryption import encrypt_rows
from recording.seals import keyring
from recording.tasks import NotWritten, write_records
from tests.support.access_log import insert_access
from tests.support.feedback import model_answer, post_feedback
from tests.support.inference_rows import record_of
from tests.support.record_pipeline import record

pytestmark = pytest.mark.django_db

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
TABLE = "ml_proxy_inferencelog"


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.VAR_DIR = tmp_path
    settings.DATA_KEYS = (OLD,)
    recorder.reset()
    yield tmp_path / "journal"
    recorder.reset()


def sql(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def stored(column: str, table: str = TABLE) -> list[Any]:
    values = [value for (value,) in sql(f"SELECT {column} FROM {table} ORDER BY id")]  # noqa: S608 - our own names
    return [value if isinstance(value, str) else bytes(value) for value in values]


def write(*items: InferenceRecord) -> None:
    DirectOrigins(keyring().current).write(items)


def batch_in(journal: Path) -> Batch:
    [name] = Spool(journal).segments()
    return Batch.of(UUID(name.origin), "host", name.key_id, Spool(journal).entries(name))


def run(command: str, *words: str) -> str:
    output = StringIO()
    call_command(command, *words, stdout=output)
    return output.getvalue()


def test_the_journal_and_the_message_are_encrypted_once(journal: Path) -> None:
    item = record()
    recorder.record(item)
    batch = batch_in(journal)
    [payload] = [each.payload for each in batch.records]
    assert records.source_of(payload) == ("ml_proxy.inference", 1)
    assert "김민준".encode() not in payload
    assert b"Synthetic" not in payload
    assert records.data_key_of(payload) == encryption.key_id(OLD)
    write_records(**batch.as_message())
    assert record_of(InferenceLog.objects.get()) == item
    assert stored("patient_name")[0].startswith(f"\x1f1{encryption.key_id(OLD)}")
    run("verify_log", "--no-progress")


@pytest.mark.parametrize("keys", [(), (OLD,)], ids=["clear", "encrypted"])
def test_history_finds_whole_names_in_both_modes(settings: Settings, keys: tuple[bytes, ...]) -> None:
    settings.DATA_KEYS = keys
    write(record(), record(patient_name="김민"), record(doctor_name="김민준", patient_name="Lee"))
    for wanted, count in (
        (history.wanted(scope=EVERYTHING, patient="김민준"), 1),
        (history.wanted(scope=EVERYTHING, doctor="김민준"), 1),
        (history.wanted(scope=EVERYTHING, doctor="Dr. Synthetic"), 2),
    ):
        assert len(history.page(wanted).rows) == count
    assert history.page(history.wanted(scope=EVERYTHING, doctor="Dr. Synthetic", patient="Lee")).rows == []


def test_rows_of_both_modes_and_of_two_keys_are_one_page(settings: Settings, client: Client) -> None:
    for keys in ((), (OLD,), (NEW, OLD)):
        settings.DATA_KEYS = keys
        write(record(input_data='{"x": "\\u0000"}'))
    rows = client.get("/ml/v1/history/", {"patient": "김민준"}).json()
    assert [row["input_data"] for row in rows] == [{"x": "\0"}] * 3
    assert len({value[:10] for value in stored("doctor_name")}) == 3
    run("verify_log", "--no-progress")


def test_verify_log_names_rows_whose_values_were_swapped() -> None:
    write(record(output_data='{"a": 1}'), record(output_data='{"b": 2}'))
    before = dict(InferenceLog.objects.values_list("pk", "output_data"))
    keys, outputs = sorted(before), stored("output_data")
    for pk, output in zip(keys, reversed(outputs), strict=True):
        sql(f"UPDATE {TABLE} SET output_data = %s WHERE id = %s", output, _pk(pk))  # noqa: S608 - our own name
    assert history.one(keys[0], EVERYTHING).output_data == before[keys[1]]  # a swap within a column opens
    assert verification_findings() == 2


def test_a_value_from_another_column_does_not_open_and_does_not_break_a_page(client: Client) -> None:
    write(record())
    sql(f"UPDATE {TABLE} SET output_data = input_data")  # noqa: S608 - our own name
    [row] = client.get("/ml/v1/history/").json()
    assert row["output_data"] == encryption.UNREADABLE.strip('"')
    assert verification_findings() == 1


def test_verify_log_names_a_row_that_a_changed_hash_hides() -> None:
    write(record())
    sql(f"UPDATE {TABLE} SET patient_key = %s", _pk(lookup("patient_name", "Lee")))  # noqa: S608 - our own name
    assert history.page(history.wanted(scope=EVERYTHING, patient="김민준")).rows == []
    assert verification_findings() == 1


def verification_findings() -> int:
    output = StringIO()
    with pytest.raises(CommandError, match="findings"):
        call_command("verify_log", "--no-progress", stdout=output)
    return sum(line.startswith("changed: ") for line in output.getvalue().splitlines())


def test_a_worker_without_the_key_withholds_the_batch(
    journal: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    item = record()
    recorder.record(item)
    message = batch_in(journal).as_message()
    for keys in ((), (NEW,)):
        settings.DATA_KEYS = keys
        with pytest.raises(NotWritten, match="UnknownDataKey"):
            write_records(**message)
    assert "put the old key back behind the first one" in caplog.text
    assert not Disposition.objects.exists()
    settings.DATA_KEYS = (NEW, OLD)
    write_records(**message)
    assert record_of(InferenceLog.objects.get()) == item


def test_a_record_that_was_changed_is_quarantined_as_it_is(journal: Path) -> None:
    recorder.record(record())
    batch = batch_in(journal)
    changed = batch.records[0].payload[:-9] + b"\0" + batch.records[0].payload[-8:]
    write_batch(replace(batch, records=(batch.records[0]._replace(payload=changed),)))
    [disposition] = Disposition.objects.all()
    assert (disposition.kind, bytes(disposition.payload)) == ("quarantined", changed)


def test_a_quarantined_record_is_encrypted_and_survives_a_rotation(settings: Settings) -> None:
    items = record(request_id="twice"), record(request_id="twice")
    sql(f"CREATE UNIQUE INDEX mistake ON {TABLE} (request_id)")
    write(*items)
    sql("DROP INDEX mistake")
    assert "김민준".encode() not in stored("payload", "recording_disposition")[0]
    settings.DATA_KEYS = (NEW, OLD)
    run("encrypt_data", "--no-progress")
    settings.DATA_KEYS = (NEW,)
    run("verify_log", "--no-progress")
    assert try_again(Disposition.objects.get())
    assert {record_of(row) for row in InferenceLog.objects.all()} == set(items)


def test_encrypt_data_finishes_what_was_interrupted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_KEYS = ()
    write(*(record() for _ in range(120)))
    settings.DATA_KEYS = (OLD,)
    write(record())
    settings.DATA_KEYS = (NEW, OLD)
    with pytest.raises(CommandError, match="not encrypted with the first"):
        run("encrypt_data", "--check")
    for step in encrypt_rows():
        if step.written:
            break  # it is killed after its first transaction
    assert "김민준" in stored("patient_name")
    assert "rows and 0 files were encrypted" in run("encrypt_data", "--no-progress")
    assert "Everything is encrypted with the first" in run("encrypt_data", "--check")
    settings.DATA_KEYS = (NEW,)
    assert len(history.page(history.wanted(scope=EVERYTHING, patient="김민준", limit=1000)).rows) == 121
    assert LookupKey.objects.get().key
    run("verify_log", "--no-progress")
    assert run("encrypt_data", "--no-progress").startswith("0 rows")


@pytest.mark.parametrize("damage", ["\x1f1", "\x1f1not-hex!AAAA", "\x1f7", "of another column"])
def test_encrypt_data_leaves_values_that_it_cannot_decrypt(settings: Settings, damage: str) -> None:
    write(record())
    damaged = damage if damage[0] == "\x1f" else encryption.protect_text("x", b"elsewhere")
    sql(f"UPDATE {TABLE} SET output_data = %s", damaged)  # noqa: S608 - our own name
    settings.DATA_KEYS = (NEW, OLD)
    with pytest.raises(CommandError, match="1 values can't be decrypted"):
        run("encrypt_data", "--no-progress")
    assert stored("output_data") == [damaged]
    assert stored("input_data")[0].startswith(f"\x1f1{encryption.key_id(NEW)}")


def test_the_access_log_names_nobody_in_clear() -> None:
    insert_access(patients=["김민준"], doctors=["Dr. Kim"], filters='{"patient": "김민준"}')
    table, people = "accounts_accesslog", "accounts_accesssubject"
    for column in ("patients", "doctors", "filters"):
        assert stored(column, table)[0].startswith("\x1f1"), column
    assert not any(name in str(value) for name in ("김민준", "Dr. Kim") for value in sql(f"SELECT * FROM {people}"))  # noqa: S608 - our own name
    [row] = ACCESS.matching({"patient": "김민준"})
    assert (row.patients, row.filters) == ('["김민준"]', '{"patient": "김민준"}')
    run("verify_log", "--no-progress")


def test_history_says_which_key_is_missing(settings: Settings, client: Client) -> None:
    write(record())
    settings.DATA_KEYS = (NEW,)
    answer = client.get("/ml/v1/history/")
    assert answer.status_code == 503
    assert encryption.key_id(OLD) in answer.json()["detail"]
    with pytest.raises(CommandError, match=encryption.key_id(OLD)):
        run("verify_log", "--no-progress")


def test_a_comparison_that_would_find_nothing_is_refused() -> None:
    with pytest.raises(CannotCompare, match="patient_name is encrypted"):
        InferenceLog.objects.filter(patient_name="김민준").exists()
    assert not InferenceLog.objects.exclude(files="").exists()


def test_feedback_is_encrypted_and_a_repeat_recognized(client: Client) -> None:
    item = record(output_data=model_answer("benign"))
    write(item)
    for status in (201, 200):
        answer = post_feedback(client, item.id, verdict="correct", label="malignant", note="김민준 again")
        assert answer.status_code == status
    assert stored("note", "ml_proxy_feedback")[0].startswith("\x1f1")
    assert Feedback.objects.get().note == "김민준 again"
    data: Any = client.get("/ml/v1/dataset/")
    assert b'"label":"malignant"' in b"".join(data.streaming_content)


def test_it_erases_by_name(settings: Settings) -> None:
    write(record(), record(patient_name="Lee"))
    settings.DATA_KEYS = (NEW, OLD)
    rows = erasure.matching(INFERENCES, patient="김민준")
    assert sum(erasure.erase(INFERENCES, rows, "asked for")) == 1
    assert [row.patient_name for row in InferenceLog.objects.all()] == ["Lee"]
    run("verify_log", "--no-progress")


def _pk(value: UUID) -> Any:
    return value.hex if connection.vendor == "sqlite" else value
