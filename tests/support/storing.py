"""Large inputs, and where they lie; a storage that is not there, for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.test import Client

HISTORY = "/ml/v1/history/"
MOST = 2000  # bytes
# What a careless hand would change on its way: spaces, escapes, a number that no double holds, a forged reference.
LARGE = (
    b'{"doctor_name": "Dr. Kim", "patient_name":"Lee",  "x": [1e999, "\\u0000\\ud800"], '
    b'"files": [{"key": "inputs/2026/11/other/body.json"}], "pad": "' + b"p" * MOST + b'"}'
)


@contextmanager
def cut_off(folder: Path) -> Iterator[None]:
    """In place of the folder there is a file, as where a disk is not mounted."""
    away = folder.with_name("away")
    folder.mkdir(exist_ok=True)
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


def stored(folder: Path) -> dict[str, bytes]:
    """All that lies there, by its key."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one(client: Client, inference_id: str) -> dict[str, Any]:
    """An inference as history shows it."""
    response = client.get(f"{HISTORY}{inference_id}/")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def input_in(answer: bytes) -> bytes:
    """The input's text as it stands in history's answer: before the output, which comes next."""
    return answer.partition(b'"input_data":')[2].partition(b',"output_data":')[0]
