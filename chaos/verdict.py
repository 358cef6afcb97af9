"""Compares what callers were told with what the log holds."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.clients import BROKEN, Attempt
from chaos.databases import Row


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Counts; all but the first are 0 in a log that keeps its promise, save for `unanswered`."""

    written: int
    missing: int  # answered, and no row
    doubled: int  # rows beyond the first of one id, or of one request
    altered: int  # rows that hold another answer than the caller got
    unnamed: int  # 2xx without an X-Inference-ID
    unanswered: int  # rows whose caller's connection broke or timed out
    withheld: int  # rows whose caller was told that there is no answer
    foreign: int  # rows that nobody asked for


def compare(attempts: Sequence[Attempt], rows: Iterable[Row]) -> tuple[Comparison, list[float]]:
    """The counts, and for each answered row what the gateway added to the model's time, in milliseconds."""
    found = list(rows)
    asked = {attempt.request_id: attempt for attempt in attempts}
    by_id = {attempt.inference_id.replace("-", ""): attempt for attempt in attempts if attempt.inference_id}
    ids, requests = Counter(row.id for row in found), Counter(row.request_id for row in found)
    untold = [asked.get(row.request_id) for row in found if row.id not in by_id]
    told = [(row, by_id[row.id]) for row in found if row.id in by_id]
    comparison = Comparison(
        written=len(found),
        missing=len(by_id.keys() - ids.keys()),
        doubled=max(_beyond_first(ids), _beyond_first(requests)),
        altered=sum(_digest(row) != attempt.digest or row.request_id != attempt.request_id for row, attempt in told),
        unnamed=sum(attempt.is_answered and not attempt.inference_id for attempt in attempts),
        unanswered=sum(attempt is not None and attempt.status == BROKEN for attempt in untold),
        withheld=sum(attempt is not None and attempt.status != BROKEN for attempt in untold),
        foreign=untold.count(None),
    )
    return comparison, sorted(attempt.seconds * 1000 - row.latency_ms for row, attempt in told)


def _beyond_first(counted: Counter[str]) -> int:
    return counted.total() - len(counted)


def _digest(row: Row) -> str:
    return hashlib.sha256(row.output.encode()).hexdigest()
