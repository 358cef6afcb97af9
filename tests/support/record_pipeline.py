"""The steps of a record in the test's process: append, publish, take from Redis, write."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from common.broker import LOGS_QUEUE
from common.ids import uuid7
from ml_proxy.records import InferenceRecord
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Writer
from recording.journal.spool import LOCK_NAME
from recording.publisher import Publisher


def record(**changes: Any) -> InferenceRecord:
    """A record with texts that databases and libraries tend to change."""
    now = datetime.now(UTC)
    texts = {"input_data": '{"x":"\\u0000"}', "output_data": "[1e999]", "model_name": "m", "model_version": "1"}
    people = {"doctor_name": "Dr. Synthetic", "patient_name": "김민준", "request_id": "r", "caller": ""}
    return InferenceRecord(**{"id": uuid7(), "predicted_at": now, "latency_ms": 1.5, **texts, **people, **changes})


def append(writer: Writer, item: InferenceRecord) -> None:
    """Appends a record as the gateway does."""
    writer.append(item.encode(), item.content())


def take_messages(broker: redis.Redis, *, keep_last: int = 0) -> list[dict[str, Any]]:
    """Takes the messages from Redis, all but the last ones to be sent; returns the arguments of each task."""
    taken = [json.loads(raw) for raw in broker.lrange(LOGS_QUEUE, keep_last, -1)]
    broker.ltrim(LOGS_QUEUE, 0, keep_last - 1) if keep_last else broker.delete(LOGS_QUEUE)
    return [json.loads(message["body"])[1] for message in reversed(taken)]


def write_messages(broker: redis.Redis) -> None:
    """Writes all waiting messages as a worker does."""
    for message in take_messages(broker):
        write_batch(Batch.from_message(message))


def publisher(folder: Path, republish_seconds: float = 60) -> Publisher:
    """A publisher that the test runs step by step."""
    return Publisher(folder, republish_seconds=republish_seconds)


def lock_holder(folder: Path) -> int:
    """The id of the process that holds the lock of the journal's folder; 0 for none."""
    try:
        inode = (folder / LOCK_NAME).stat().st_ino
    except FileNotFoundError:
        return 0
    held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    pids = [int(words[4]) for words in held if words[1] == "FLOCK" and words[5].endswith(f":{inode}")]
    assert len(pids) <= 1
    return pids[0] if pids else 0
