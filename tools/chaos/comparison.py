"""Compares the answers that callers got with the rows of the log."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from tools.chaos.clients import BROKEN, Attempt
from tools.chaos.databases import Row

REJECTED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Counts. In a correct log all are 0 except `written` and `unanswered`."""

    written: int
    missing: int  # answered, but no row
    doubled: int  # additional rows of the same id, or of the same request
    altered: int  # rows whose answer differs from the caller's
    unnamed: int  # 2xx without an X-Inference-ID
    unanswered: int  # rows whose caller does not know the outcome: see `_is_inconclusive`
    withheld: int  # rows whose caller got an error
    foreign: int  # rows without a request
    rejected: int  # a valid token was answered 401 or 403


def compare(
    attempts: Sequence[Attempt], rows: Iterable[Row], *, stalled_seconds: float = math.inf
) -> tuple[Comparison, list[float]]:
    """Returns the counts, and the sorted milliseconds that the gateway added to the model's time per answered row.

    `stalled_seconds` is how long a gateway waits for a journal whose disk hangs.
    """
    found = list(rows)
    inconclusive = defaultdict[str, bool](bool)  # by request
    for attempt in attempts:
        inconclusive[attempt.request_id] |= _is_inconclusive(attempt, stalled_seconds)
    named = [(attempt.inference_id.replace("-", ""), attempt) for attempt in attempts if attempt.inference_id]
    by_id, answered_ids = {row.id: row for row in found}, {name for name, _ in named}
    ids, requests = Counter(row.id for row in found), Counter(row.request_id for row in found)
    unmatched = [inconclusive.get(row.request_id) for row in found if row.id not in answered_ids]
    answered = [(by_id[name], attempt) for name, attempt in named if name in by_id]
    comparison = Comparison(
        written=len(found),
        missing=len(answered_ids - ids.keys()),
        doubled=max(_beyond_first(ids), _beyond_first(requests)),
        altered=sum(
            _digest(row) != attempt.digest or row.request_id != attempt.request_id for row, attempt in answered
        ),
        unnamed=sum(attempt.is_answered and not attempt.inference_id for attempt in attempts),
        unanswered=unmatched.count(True),
        withheld=unmatched.count(False),
        foreign=unmatched.count(None),
        rejected=sum(attempt.status in REJECTED for attempt in attempts),
    )
    return comparison, sorted(
        attempt.seconds * 1000 - row.latency_ms for row, attempt in answered if not attempt.is_keyed
    )


def _is_inconclusive(attempt: Attempt, stalled_seconds: float) -> bool:
    """Whether the connection broke, the key was still in use, or a disk that hung may take the record later."""
    is_stalled = attempt.status == HTTPStatus.SERVICE_UNAVAILABLE and attempt.seconds >= stalled_seconds
    return is_stalled or attempt.status in {BROKEN, HTTPStatus.CONFLICT}


def _beyond_first(counted: Counter[str]) -> int:
    return counted.total() - len(counted)


def _digest(row: Row) -> str:
    return hashlib.sha256(row.output.encode()).hexdigest()
