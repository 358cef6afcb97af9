"""The examples that a version was taught, stored beside it: so the next training on this machine still has them.

Only preprocessed rows are stored, never a predict body, which may hold names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from ml_server.dataset import row_digests
from ml_server.exceptions import InvalidModel
from ml_server.onnx_session import FloatArray


@dataclass(frozen=True)
class TaughtExample:
    """A doctor's verdict as a training example.

    `row`: the preprocessed input, of shape (1, …). `verdict_id`: higher for a newer verdict.
    """

    inference_id: str
    label: str
    row: FloatArray
    verdict_id: int

    @property
    def named(self) -> dict[str, str]:
        """The example without its row."""
        return {"inference_id": self.inference_id, "label": self.label}


def merge_examples(examples: Iterable[TaughtExample]) -> tuple[TaughtExample, ...]:
    """Keeps one example for each input, the newest verdict last. Of equally new ones the later in the list counts."""
    found: dict[str, TaughtExample] = {}
    for example in sorted(examples, key=lambda each: each.verdict_id):
        [digest] = row_digests(example.row)
        found.pop(digest, None)
        found[digest] = example
    return tuple(found.values())


def to_bytes(examples: Sequence[TaughtExample]) -> bytes:
    """The content of a version's `examples.npz`. At least one example."""
    file = BytesIO()
    np.savez_compressed(
        file,
        inference_ids=np.array([each.inference_id for each in examples]),
        labels=np.array([each.label for each in examples]),
        verdict_ids=np.array([each.verdict_id for each in examples], dtype=np.int64),
        rows=np.concatenate([each.row for each in examples]).astype(np.float32),
    )
    return file.getvalue()


def from_bytes(content: bytes) -> tuple[TaughtExample, ...]:
    """Reads `examples.npz`. Raises `InvalidModel`."""
    try:
        with np.load(BytesIO(content)) as file:
            columns: dict[str, Any] = {name: file[name] for name in ("inference_ids", "labels", "verdict_ids", "rows")}
    except (OSError, ValueError, KeyError, EOFError) as exc:
        raise InvalidModel(f"examples.npz can't be read ({type(exc).__name__})") from exc
    names = columns["inference_ids"], columns["labels"], columns["verdict_ids"]
    return tuple(
        TaughtExample(str(inference_id), str(label), row[np.newaxis], int(verdict_id))
        for inference_id, label, verdict_id, row in zip(*names, columns["rows"], strict=True)
    )


def without_inferences(value: Any, inference_ids: frozenset[str]) -> Any:
    """A copy of a JSON value in which no list has an object about one of these inferences."""
    if isinstance(value, dict):
        return {name: without_inferences(member, inference_ids) for name, member in value.items()}
    if isinstance(value, list):
        return [
            without_inferences(item, inference_ids)
            for item in value
            if not (isinstance(item, dict) and item.get("inference_id") in inference_ids)
        ]
    return value
