"""The errors of this client.

MlProxyError
├── Unreachable     no answer: refused, reset, too slow, or cut off
├── ProblemError    an answer that is not a success
└── JobFailed       a job that did not succeed
"""

from collections.abc import Mapping
from typing import Any

import requests

PROBLEM_TYPE = "application/problem+json"
TEMPORARY = frozenset({408, 429, 502, 503, 504})


class MlProxyError(Exception):
    """The base class."""


class Unreachable(MlProxyError):
    """The gateway gave no answer. Whether it did its work is unknown."""


class ProblemError(MlProxyError):
    """An answer that is not a success.

    `problem` has the gateway's words (RFC 9457). An error of the model server passes unchanged and need not be a
    problem: then `problem` is made from the status, and `body` has it all. `retry_after` is in seconds.
    """

    def __init__(
        self,
        problem: Mapping[str, Any],
        *,
        body: Any = None,
        retry_after: float | None = None,
        location: str | None = None,
    ) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or "")
        self.problem = dict(problem)
        self.body = body
        self.retry_after = retry_after
        self.location = location

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.problem["status"])

    @property
    def request_id(self) -> str:
        """What to search for in the gateway's logs."""
        return str(self.problem.get("request_id", ""))

    @property
    def errors(self) -> list[dict[str, str]]:
        """What is wrong with the input, each with `pointer` and `detail`."""
        return list(self.problem.get("errors", ()))

    @property
    def is_temporary(self) -> bool:
        """Whether a repeat may succeed."""
        return self.status in TEMPORARY


class JobFailed(MlProxyError):
    """The job failed or was cancelled; `job` is its last state."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__(job.get("error") or f"The job was {job['state']}.")
        self.job = dict(job)


def problem_of(response: requests.Response) -> ProblemError:
    """Makes the error of an answer that is not a success."""
    body = _parsed(response)
    is_problem = response.headers.get("Content-Type", "").startswith(PROBLEM_TYPE) and isinstance(body, dict)
    problem = body if is_problem and "status" in body else _substitute(response, body)
    return ProblemError(
        problem,
        body=body,
        retry_after=seconds(response.headers.get("Retry-After")),
        location=response.headers.get("Location"),
    )


def seconds(field: str | None) -> float | None:
    """A `Retry-After` field in seconds; None if there is none, or if it is a date."""
    try:
        return max(0.0, float(field or ""))
    except ValueError:
        return None


def _substitute(response: requests.Response, body: Any) -> dict[str, Any]:
    words = [body.get(name) for name in ("detail", "error", "message")] if isinstance(body, dict) else [body]
    return {
        "type": "about:blank",
        "title": response.reason or f"HTTP {response.status_code}",
        "status": response.status_code,
        "detail": next((word[:500] for word in words if isinstance(word, str)), ""),
        "request_id": response.headers.get("X-Request-ID", ""),
    }


def _parsed(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
