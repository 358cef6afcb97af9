"""Builds a retrain's request to the model server: the caller's parameters, and judged inferences if requested.

The inferences are read when the job runs. If not all fit into the body, the newest verdicts are used. The body lists
the oldest verdict first, so that of two examples with the same input the later one counts. Without any verdict it has
no `examples`: other model servers need not know that member.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.conf import settings

from common import strict_json
from common.responses import as_json
from jobs.models import Job
from ml_proxy import dataset, upstream
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.retrain.requests import EXAMPLES, VERDICTS, wanted_verdicts
from ml_proxy.rows import Example
from ml_proxy.upstream import Switch

MAX_EXAMPLES = 10_000  # the reference model server's limit per request
KEY_CHARACTERS = 16  # of a digest


@dataclass(frozen=True)
class TrainingPayload:
    """The request body, its idempotency key, and how many judged inferences are included and left out."""

    body: bytes
    key: str
    handed_over: int = 0
    left_out: int | None = None  # None: no verdicts were requested

    @property
    def verdicts(self) -> str | None:
        """The two counts as JSON; None if no verdicts were requested."""
        if self.left_out is None:
            return None
        return as_json({"handed_over": self.handed_over, "left_out": self.left_out}).decode()


def training_payload(job: Job, switch: Switch) -> TrainingPayload:
    """Builds the payload for `job`. Raises an `UpstreamError` if the default model is needed but can't be fetched.

    `switch` cancels that request. With verdicts, the key includes the body's digest: a second attempt may find other
    verdicts, and then it is a different training.
    """
    params = strict_json.parse(job.params)
    wanted = wanted_verdicts(params)
    rest = strict_json.without(job.params, VERDICTS) if strict_json.member(params, VERDICTS) is not None else job.params
    if wanted is None:
        return TrainingPayload(rest.encode(), str(job.id))
    model = wanted.model or strict_json.member(params, "model") or _default_model(job, switch)
    selection = FeedbackFilter(scope=wanted.scope, model=model, since=wanted.since, until=wanted.until)
    lines = list(_fitting(dataset.newest_first(selection), settings.RETRAIN_BODY_BYTES - len(rest.encode())))
    examples = f"[{','.join(reversed(lines))}]"
    body = (strict_json.with_member(rest, EXAMPLES, examples) if lines else rest).encode()
    key = f"{job.id}-{hashlib.sha256(body).hexdigest()[:KEY_CHARACTERS]}"
    return TrainingPayload(body, key, len(lines), max(dataset.count_judged(selection) - len(lines), 0))


def _fitting(examples: Iterable[Example], max_bytes: int) -> Iterator[str]:
    """Yields examples that fit into `max_bytes`. Skips one that is too large while more than half the space is left."""
    left = max_bytes - len(f'"{EXAMPLES}":[],')
    labelled = (example for example in examples if example.label is not None)
    for example in islice(labelled, MAX_EXAMPLES):
        line = as_json({name: example.described()[name] for name in ("inference_id", "input", "label", "verdict_id")})
        if len(line) < left:
            left -= len(line) + 1
            yield line.decode()
        elif left < max_bytes / 2:
            return


def _default_model(job: Job, switch: Switch) -> str | None:
    """Returns the top-level name in the model server's model-info, if any; the log then has the same name."""
    fields, seconds = {"X-Request-ID": job.request_id}, settings.UPSTREAM_TOTAL_SECONDS
    with upstream.exchange("model-info", method="GET", fields=fields, total_seconds=seconds, switch=switch) as reply:
        answer = reply.read()
    try:
        name = strict_json.member(strict_json.parse(strict_json.decode(answer.body)), "name")
    except strict_json.NotJSON:
        return None
    return name if type(name) is str else None
