"""Compares what callers were told with what the log holds."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from tools.chaos.clients import BROKEN, Attempt
from tools.chaos.databases import Row

OPEN = {BROKEN, HTTPStatus.CONFLICT}  # what tells a caller nothing about the end


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Counts; all but the first are 0 in a log that keeps its promise, save for `unanswered`."""

    written: int
    missing: int  # answered, and no row
    doubled: int  # rows beyond the first of one id, or of one request
    altered: int  # rows that hold another answer than the caller got
    unnamed: int  # 2xx without an X-Inference-ID
    unanswered: int  # rows whose caller's connection broke or timed out, or who gave up on a key's first call
    withheld: int  # rows whose caller was told that there is no answer
    foreign: int  # rows that nobody asked for


def compare(attempts: Sequence[Attempt], rows: Iterable[Row]) -> tuple[Comparison, list[float]]:
    """The counts, and for each answered row what the gateway added to the model's time, in milliseconds."""
    found = list(rows)
    asked = defaultdict[str, set[int]](set)
    for attempt in attempts:
        asked[attempt.request_id].add(attempt.status)
    named = [(attempt.inference_id.replace("-", ""), attempt) for attempt in attempts if attempt.inference_id]
    by_id, told_ids = {row.id: row for row in found}, {name for name, _ in named}
    ids, requests = Counter(row.id for row in found), Counter(row.request_id for row in found)
    untold = [asked.get(row.request_id) for row in found if row.id not in told_ids]
    told = [(by_id[name], attempt) for name, attempt in named if name in by_id]
    comparison = Comparison(
        written=len(found),
        missing=len(told_ids - ids.keys()),
        doubled=max(_beyond_first(ids), _beyond_first(requests)),
        altered=sum(_digest(row) != attempt.digest or row.request_id != attempt.request_id for row, attempt in told),
        unnamed=sum(attempt.is_answered and not attempt.inference_id for attempt in attempts),
        unanswered=sum(statuses is not None and bool(statuses & OPEN) for statuses in untold),
        withheld=sum(statuses is not None and not statuses & OPEN for statuses in untold),
        foreign=untold.count(None),
    )
    return comparison, sorted(attempt.seconds * 1000 - row.latency_ms for row, attempt in told if not attempt.is_keyed)


def _beyond_first(counted: Counter[str]) -> int:
    return counted.total() - len(counted)


def _digest(row: Row) -> str:
    return hashlib.sha256(row.output.encode()).hexdigest()
