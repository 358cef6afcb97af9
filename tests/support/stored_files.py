"""Large inputs and their files, and a storage that is unavailable for a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.test import Client

HISTORY = "/ml/v1/history/"
PADDING_BYTES = 2000  # bytes
# Parts that careless code would change: spaces, escapes, a number too large for a double, a forged reference.
LARGE = (
    b'{"doctor_name": "Dr. Kim", "patient_name":"Lee",  "x": [1e999, "\\u0000\\ud800"], '
    b'"files": [{"key": "inputs/2026/11/other/body.json"}], "pad": "' + b"p" * PADDING_BYTES + b'"}'
)


@contextmanager
def storage_unavailable(folder: Path) -> Iterator[None]:
    """Replaces the folder with a file, as if a disk were not mounted."""
    away = folder.with_name("away")
    folder.mkdir(exist_ok=True)
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


def files_in(folder: Path) -> dict[str, bytes]:
    """The content of all files by key."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def get_inference(client: Client, inference_id: str) -> dict[str, Any]:
    """An inference from the history API."""
    response = client.get(f"{HISTORY}{inference_id}/")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def input_text(answer: bytes) -> bytes:
    """The exact text of the input in a history response; the output follows it."""
    return answer.partition(b'"input_data":')[2].partition(b',"output_data":')[0]
