"""Grows the log with COPY, in worker processes: rows and heads like those of the product's worker.

The log consists of pieces; each is one origin. A piece is committed in one transaction, so an interrupted run can
continue.
"""

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import django
import psycopg
from django.db import connection, models
from psycopg import sql
from tqdm import tqdm

from common.ids import uuid7
from common.number_set import between
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording.batches import Numbered
from recording.ingestion import rows_of
from recording.models import Origin
from recording.publisher.heads import Heads
from recording.seals import START, Key, keyring
from recording.sources import Received
from tools.benchmarks.scale.synthetic import APART, records

PIECE = 10_000  # numbers of an origin
BATCH = 200  # numbers of a message
WAL = "8GB"  # between checkpoints while the log grows: each checkpoint causes full-page writes


def loaded_pieces() -> set[int]:
    """Returns the numbers of the loaded pieces."""
    hosts = Origin.objects.filter(host__startswith="scale-").values_list("host", flat=True)
    return {int(host.removeprefix("scale-")) for host in hosts}


def grow(rows: int, journal: Path, apart: timedelta = APART) -> float:
    """Grows the log to `rows`, rounded down to whole pieces. Returns rows per second; 0 if there was nothing to do."""
    missing = sorted(set(range(rows // PIECE)) - loaded_pieces())
    if not missing:
        return 0.0
    started, heads = time.monotonic(), Heads(journal)
    spawn = multiprocessing.get_context("spawn")
    with (
        _large_wal(),
        ProcessPoolExecutor(len(os.sched_getaffinity(0)), spawn, django.setup) as pool,
        tqdm(total=len(missing) * PIECE, desc="growing", unit="row", unit_scale=True) as bar,
    ):
        for done in as_completed([pool.submit(load, number, apart) for number in missing]):
            done.result()
            bar.update(PIECE)
    heads.update()
    heads.save()
    rate = len(missing) * PIECE / (time.monotonic() - started)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return rate


def load(piece: int, apart: timedelta) -> None:
    """Loads one piece, which is an origin."""
    key = keyring().current
    first, *others = records(piece * PIECE, PIECE, apart=apart)
    origin = uuid7(first.predicted_at)
    rows = rows_of(INFERENCES, numbered([first, *others], origin, key), origin, key)
    with psycopg.connect(os.environ["DATABASE_URL"]) as own:
        own.execute("SET synchronous_commit = off")
        _copy(own, rows)
        host = f"scale-{piece}"
        settled = str(between(1, PIECE))
        seal = key.head(origin, host, settled, 0, ended=True)
        _copy(own, [Origin(id=origin, host=host, key_id=key.id, settled=settled, ended=True, seal=seal)])


def numbered(items: Iterable[InferenceRecord], origin: UUID, key: Key) -> Iterator[Received]:
    """Numbers and seals records like a gateway process, and yields them as the worker receives them."""
    seal = START
    for sequence, item in enumerate(items, start=1):
        digest = key.digest(item.content())
        seal = key.seal(seal, origin, sequence, digest)
        yield Received(Numbered(sequence, digest, seal, item.encode()), INFERENCES, item, item.version())


def _copy(own: "psycopg.Connection[Any]", rows: list[Any]) -> None:
    meta = rows[0]._meta  # noqa: SLF001 - Django documents _meta as public
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(meta.db_table), columns)
    names = [field.attname for field in fields]
    with own.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row([getattr(row, name) for name in names])


@contextmanager
def _large_wal() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET max_wal_size = '{WAL}'")
        cursor.execute("SELECT pg_reload_conf()")
        yield
        cursor.execute("ALTER SYSTEM RESET max_wal_size")
        cursor.execute("SELECT pg_reload_conf()")
