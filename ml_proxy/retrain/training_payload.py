"""What a job asks of the model server: what its caller asked for, and judged inferences as examples where wanted.

They are read when the job runs. Where not all fit into a body the newest verdicts do; the oldest one comes first in it,
so that of two for the same input the later one counts.
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

MAX_EXAMPLES = 10_000  # what the reference model server takes at once
KEY_CHARACTERS = 16  # of a digest


@dataclass(frozen=True)
class TrainingPayload:
    """The body, the key under which it is asked once, and how many judged inferences are in it and are left out."""

    body: bytes
    key: str
    handed_over: int = 0
    left_out: int | None = None  # none were wanted

    @property
    def verdicts(self) -> str | None:
        """The two counts as JSON; None where none were wanted."""
        if self.left_out is None:
            return None
        return as_json({"handed_over": self.handed_over, "left_out": self.left_out}).decode()


def training_payload(job: Job) -> TrainingPayload:
    """What to ask for `job`. Raises an `UpstreamError` where the model server does not tell its default model.

    The key holds the body's digest too: on a second attempt other verdicts may be there, and that is another training.
    """
    asked = strict_json.parse(job.params)
    wanted = wanted_verdicts(asked)
    rest = strict_json.without(job.params, VERDICTS) if strict_json.member(asked, VERDICTS) is not None else job.params
    if wanted is None:
        return TrainingPayload(rest.encode(), str(job.id))
    model = wanted.model or strict_json.member(asked, "model") or _default_model(job)
    about = FeedbackFilter(model=model, since=wanted.since, until=wanted.until)
    lines = list(_fitting(dataset.newest_first(about), settings.RETRAIN_BODY_BYTES - len(rest.encode())))
    body = strict_json.with_member(rest, EXAMPLES, f"[{','.join(reversed(lines))}]").encode()
    key = f"{job.id}-{hashlib.sha256(body).hexdigest()[:KEY_CHARACTERS]}"
    return TrainingPayload(body, key, len(lines), max(dataset.judged(about) - len(lines), 0))


def _fitting(examples: Iterable[Example], room: int) -> Iterator[str]:
    """Lines as long as there is room, in bytes; a large one is passed over while more than half of it is left."""
    left = room - len(f'"{EXAMPLES}":[],')
    labelled = (example for example in examples if example.label is not None)
    for example in islice(labelled, MAX_EXAMPLES):
        line = as_json({name: example.described()[name] for name in ("inference_id", "input", "label")})
        if len(line) < left:
            left -= len(line) + 1
            yield line.decode()
        elif left < room / 2:
            return


def _default_model(job: Job) -> str | None:
    """The name that the model server's description has at its top, if any: then that is in the log too."""
    answer = upstream.forward(
        "GET", "model-info", fields={"X-Request-ID": job.request_id}, total_seconds=settings.UPSTREAM_TOTAL_SECONDS
    )
    try:
        name = strict_json.member(strict_json.parse(strict_json.decode(answer.body)), "name")
    except strict_json.NotJSON:
        return None
    return name if type(name) is str else None
