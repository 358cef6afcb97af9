"""Measures the worker's inserts, batch by batch, and the bytes per row in table, journal and message."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from django.db import connection
from tqdm import tqdm

from common.ids import uuid7
from ml_proxy.models import InferenceLog
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal.segment import HEAD_BYTES, SEALED
from recording.models import Origin
from recording.publisher.heads import Heads
from recording.seals import keyring
from tools.benchmarks.results import percentile
from tools.benchmarks.scale.bulk_load import BATCH, numbered
from tools.benchmarks.scale.run import Run
from tools.benchmarks.scale.synthetic import APART, records

INSERT, SIZE = "insert", "size"
BATCHES, WARM = 25, 5


def batches(count: int, begin: datetime | None = None) -> Iterator[Batch]:
    """Yields batches of one origin. Their records begin at `begin`, or end about now if it is None."""
    key, origin = keyring().current, uuid7()
    items = records(0, count * BATCH, begin=begin or datetime.now(UTC) - APART * count * BATCH)
    numbers = (each.number for each in numbered(items, origin, key))
    while chosen := tuple(islice(numbers, BATCH)):
        yield Batch(origin, socket.gethostname(), key.id, chosen)


def insert(run: Run) -> None:
    """Measures `write_batch` of 200 records, as the worker calls it."""
    made, heads = list(batches(WARM + BATCHES)), Heads(run.journal)
    for batch in made[:WARM]:
        write_batch(batch)
    times, cpu, server, begins = [], time.process_time(), run.server_seconds(), _wal_bytes()
    for batch in tqdm(made[WARM:], desc="inserting", unit="batch"):
        started = time.perf_counter()
        write_batch(batch)
        times.append((time.perf_counter() - started) * 1000 / BATCH)
    cpu, server, rows = time.process_time() - cpu, run.server_seconds() - server, BATCHES * BATCH
    heads.update()
    heads.save()
    figures = {
        "p50": percentile(sorted(times), 0.5),
        "p95": percentile(sorted(times), 0.95),
        "worker_cpu": cpu / rows * 1000,
        "server_cpu": server / rows * 1000,
        "cpu": (cpu + server) / rows * 1000,
        "wal_bytes": (_wal_bytes() - begins) / rows,
    }
    run.add(INSERT, "write_batch of 200", figures)


def sizes(run: Run) -> None:
    """Measures bytes per row: on disk, in the journal, in a message."""
    log = InferenceLog._meta  # noqa: SLF001 - Django documents _meta as public
    parts = {"rows": f"pg_table_size('{log.db_table}')"}
    parts |= {name: f"pg_relation_size('{name}')" for name in _indexes(log.db_table)}
    parts["all of the log"] = f"pg_total_relation_size('{log.db_table}')"
    count = InferenceLog.objects.count()
    for name, size in parts.items():
        _add_size(run, name, size, count)
    _add_size(run, "origins", f"pg_total_relation_size('{Origin._meta.db_table}')", count)  # noqa: SLF001
    [batch] = batches(1)
    message = len(json.dumps(batch.as_message())) / BATCH
    journal = HEAD_BYTES + SEALED.size + sum(len(record.payload) for record in batch.records) / BATCH
    for name, each in (("in the journal", journal), ("in a message of 200", message)):
        run.add(SIZE, name, {"per_row": each})


def _indexes(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s ORDER BY indexname", [table])
        return [name for (name,) in cursor.fetchall()]


def _add_size(run: Run, name: str, size: str, count: int) -> None:
    found = _one(f"SELECT {size}")
    run.add(SIZE, name, {"bytes": found, "per_row": found / count if count else 0.0})


def _wal_bytes() -> float:
    """Returns the bytes of write-ahead log so far."""
    return _one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")


def _one(statement: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [[found]] = cursor.fetchall()
    return float(found)
