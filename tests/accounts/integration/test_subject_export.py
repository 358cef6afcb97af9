"""`manage.py subject_export`: everything about one patient, and nothing about others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from ml_proxy.models import InferenceLog
from tests.support.access_log import Noted
from tests.support.gateway import BODY, predict

pytestmark = pytest.mark.django_db(transaction=True)


def rows(folder: Path, source: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{source}.ndjson").read_text().splitlines()]


@pytest.fixture
def known(gateway: Client, files_folder: Path, process_records: Callable[[], None]) -> InferenceLog:
    """Two inferences of Lee, one with a file and a verdict, and one of somebody else; somebody looked at Lee."""
    form = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in BODY.items()
    )
    form += '--b\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\nLEE-FILE\r\n--b--\r\n'
    assert predict(gateway, form, CONTENT_TYPE="multipart/form-data; boundary=b").status_code == 200
    predict(gateway, {**BODY, "doctor_name": "Dr. Choi"})
    predict(gateway, {**BODY, "patient_name": "Other"})
    process_records()
    row = InferenceLog.objects.exclude(files="").get()
    for inference in InferenceLog.objects.all():
        verdict = gateway.post(f"/ml/v1/history/{inference.id}/feedback/", {"verdict": "agree"}, "application/json")
        assert verdict.status_code == 201
    gateway.get("/ml/v1/history/?patient=Lee")
    process_records()
    return row


def test_it_writes_everything_about_the_patient_and_a_manifest(
    known: InferenceLog, tmp_path: Path, noted: Noted
) -> None:
    folder = tmp_path / "lee"
    call_command("subject_export", patient="Lee", output=folder)
    inferences = rows(folder, "ml_proxy.inference")
    assert {row["patient_name"] for row in inferences} == {"Lee"}
    assert len(inferences) == 2
    assert {row["inference_id"] for row in rows(folder, "ml_proxy.feedback")} == {row["id"] for row in inferences}
    looks = rows(folder, "accounts.access")
    assert {row["action"] for row in looks} == {"feedback.create", "inference.list"}
    assert all("Lee" in row["patients"] for row in looks)
    [file] = [path for path in (folder / "files").rglob("*") if path.is_file()]
    assert file.read_bytes() == b"LEE-FILE"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["about"] == {"patient": "Lee"}
    counts = {name: (each["rows"], each["files"]) for name, each in manifest["sources"].items()}
    assert {name: count for name, count in counts.items() if any(count)} == {
        "accounts.access": (3, 0),
        "ml_proxy.inference": (2, 1),
        "ml_proxy.feedback": (2, 0),
    }
    assert b"Other" not in b"".join(path.read_bytes() for path in folder.glob("ml_proxy.*"))
    begin, end = [each for each in noted() if each.action.startswith("subject.")]
    assert (json.loads(begin.patients), end.row_count, end.detail) == (["Lee"], 7, "complete")


def test_with_a_doctor_it_writes_only_what_that_doctor_asked_for(known: InferenceLog, tmp_path: Path) -> None:
    folder = tmp_path / "lee"
    call_command("subject_export", patient="Lee", doctor="Dr. Choi", output=folder)
    assert {row["doctor_name"] for row in rows(folder, "ml_proxy.inference")} == {"Dr. Choi"}
    assert len(rows(folder, "ml_proxy.feedback")) == 1


def test_a_file_that_is_missing_is_named(known: InferenceLog, tmp_path: Path, files_folder: Path) -> None:
    for path in files_folder.rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(CommandError, match="1 files could not be read"):
        call_command("subject_export", patient="Lee", output=tmp_path / "lee")
    manifest = json.loads((tmp_path / "lee" / "manifest.json").read_text())
    assert len(manifest["sources"]["ml_proxy.inference"]["faults"]) == 1


def test_it_never_writes_into_a_folder_that_exists(known: InferenceLog, tmp_path: Path, noted: Noted) -> None:
    with pytest.raises(CommandError, match="folder that does not exist"):
        call_command("subject_export", patient="Lee", output=tmp_path)
    assert noted()[-1].detail == "cut off: the export failed"
