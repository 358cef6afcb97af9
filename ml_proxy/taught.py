"""Removes from the model server what its versions were taught by verdicts that no longer hold.

The reference model server keeps the preprocessed input of each example beside the version, so that every retrain on it
keeps what doctors taught. If the verdict is erased, or a newer one has another label, the gateway has it removed there.
Other model servers answer 404 and keep nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from common import strict_json
from common.keyset import walk
from common.responses import as_json
from jobs.models import Job
from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamError
from ml_proxy.model_names import SEGMENT
from ml_proxy.models import Feedback

BATCH = 500  # inferences in one query and one request
FEEDBACK = "feedback"  # the member of a job's result that lists inferences

T = TypeVar("T")
Taught = tuple[str, str]  # an inference's id, its label

log = logging.getLogger(__name__)


def forget_erased() -> int:
    """Compares what each model was taught with the newest verdicts. Returns how many inferences were removed.

    Returns at once if the model server is away: the next run finds the same.
    """
    _clean_jobs()
    try:
        return sum(_forget(name) for name in _models())
    except (UpstreamError, strict_json.NotJSON) as exc:
        log.warning("what was erased may still be taught to a model; the next run asks again: %s", exc)
        return 0


def _forget(model: str) -> int:
    examples = strict_json.member(_get(f"models/{model}/examples"), "examples")
    taught = [_taught(each) for each in examples] if isinstance(examples, list) else []
    outdated = sorted({inference_id for inference_id, _ in _outdated([each for each in taught if each])})
    for batch in _batches(outdated):
        body = as_json({"inference_ids": batch})
        fields = {"Content-Type": "application/json"}
        path = f"models/{model}/examples/forget"
        answer = upstream.forward("POST", path, fields=fields, body=body, total_seconds=_seconds(), call="models")
        if not answer.is_success:
            raise UpstreamError(f"The model server answered {answer.status}.")
    return len(outdated)


def _outdated(taught: Sequence[Taught]) -> Iterator[Taught]:
    """Yields what differs from the newest verdict, or has none."""
    for batch in _batches(taught):
        newest: dict[str, str] = {}
        ids = [UUID(inference_id) for inference_id, _ in batch]
        verdicts = Feedback.objects.filter(inference__in=ids).order_by("position")
        for inference_id, label in verdicts.values_list("inference_id", "label"):
            newest[str(inference_id)] = label
        yield from (each for each in batch if newest.get(each[0]) != each[1])


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _taught(value: Any) -> Taught | None:
    """An example as the model server lists it. None for one that the gateway did not send: its id is no UUID."""
    inference_id, label = (strict_json.member(value, name) for name in ("inference_id", "label"))
    try:
        return (str(UUID(inference_id)), label) if type(inference_id) is type(label) is str else None
    except ValueError:
        return None


def _models() -> list[str]:
    models = strict_json.member(_get("models"), "models")
    names = [strict_json.member(each, "name") for each in models] if isinstance(models, list) else []
    return [name for name in names if type(name) is str and SEGMENT.fullmatch(name)]


def _get(path: str) -> strict_json.Value:
    """Raises `UpstreamError` or `NotJSON`. None if the model server does not have the path."""
    answer = upstream.forward("GET", path, fields={}, total_seconds=_seconds(), call="models")
    return strict_json.parse(strict_json.decode(answer.body)) if answer.is_success else None


def _seconds() -> float:
    seconds: float = settings.UPSTREAM_TOTAL_SECONDS
    return seconds


def _clean_jobs() -> None:
    """Removes the lists of inferences from the result of each retrain that names one without a verdict."""
    for job in walk(Job.objects.filter(kind="retrain", result__isnull=False), "pk"):
        named = _named_in(job.result or "")
        if named and len(named) > Feedback.objects.filter(inference__in=named).values("inference").distinct().count():
            Job.objects.filter(pk=job.pk).update(result=strict_json.without(job.result, FEEDBACK))


def _named_in(result: str) -> set[UUID]:
    """The inferences that a retrain's result lists."""
    if f'"{FEEDBACK}"' not in result or not result.lstrip().startswith("{"):
        return set()
    found = strict_json.member(strict_json.parse(result), FEEDBACK)
    lists = [each for _, each in found if isinstance(each, list)] if strict_json.is_object(found) else []
    return {UUID(taught[0]) for each in lists for item in each if (taught := _taught(item))}
