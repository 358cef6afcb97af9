"""Verdicts: given, listed, and the newest of each inference, which is the one that counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from ml_proxy import names, strict_json
from ml_proxy.exceptions import Fault
from ml_proxy.models import Verdict
from ml_proxy.use_cases import history
from ml_proxy.use_cases.verdict_bodies import Said, refused
from ml_proxy.verdicts import MOST_LABEL

LOCK = 0x76657264  # any number that no other advisory lock of this database has
MOST_ID = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """Verdicts, and the last one's id where there are more."""

    verdicts: list[Verdict]
    next: int | None


def give(inference_id: UUID, said: Said, caller: str) -> tuple[Verdict, bool]:
    """The verdict, and whether it is new: what only repeats the newest one is that one.

    Raises `NoSuchRecord`, and `BadInput` where the label does not go with the verdict.
    """
    row = history.one(inference_id)
    label = _label(said, top_label(row.output_data))
    words: dict[str, Any] = {"verdict": said.verdict, "label": label, "note": said.note, "caller": caller}
    with one_after_another():
        history.require(inference_id)  # it may have been erased just now
        newest = Verdict.objects.filter(inference_id=inference_id).order_by("-id").first()
        if newest and all(getattr(newest, name) == word for name, word in words.items()):
            return newest, False
        about = {name: getattr(row, name) for name in ("model_name", "model_version", "predicted_at")}
        return Verdict.objects.create(inference_id=inference_id, **about, **words), True


def page(inference_id: UUID, *, limit: int = 100, after: int | None = None) -> Page:
    """The verdicts of one inference, newest first, from behind the one `after` on. Raises `NoSuchRecord`."""
    verdicts = Verdict.objects.filter(inference_id=inference_id).order_by("-id")
    if after is not None:
        verdicts = verdicts.filter(id__lt=after)
    found = list(verdicts[: limit + 1])
    if not found:
        history.require(inference_id)
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def newest(last: int = MOST_ID) -> Subquery:
    """The id of the newest verdict of a verdict's inference, of those up to the id `last`.

    It is looked up for each row. Asked whether there is none later, PostgreSQL may read the whole table to tell.
    """
    same = Verdict.objects.filter(inference=OuterRef("inference"), id__lte=last)
    return Subquery(same.order_by("-id").values("id")[:1])


def newest_id() -> int:
    """The last verdict's, of all inferences; 0 where there is none."""
    return Verdict.objects.order_by("-id").values_list("id", flat=True).first() or 0


@contextmanager
def one_after_another() -> Iterator[None]:
    """A transaction in which nobody else gives or erases verdicts.

    So ids are committed in their order: whoever has read as far as one never finds a lower one later.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":  # on SQLite, whoever writes is alone
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def top_label(output: str) -> str | None:
    """The label that the model was surest of, in the form of a verdict's; None where the answer has none such."""
    predictions = strict_json.member(strict_json.parse(output), "predictions")
    label = strict_json.member(predictions[0], "label") if isinstance(predictions, list) and predictions else None
    try:
        return names.canonical(label, MOST_LABEL)
    except names.BadName:
        return None


def described(verdict: Verdict) -> dict[str, Any]:
    """The verdict for `as_json`."""
    return {
        "id": verdict.pk,
        "inference_id": verdict.inference_id,
        "verdict": verdict.verdict,
        "label": verdict.label,
        "note": verdict.note,
        "caller": verdict.caller,
        "created_at": verdict.created_at,
    }


def _label(said: Said, answered: str | None) -> str | None:
    """What the inference is held to be. Raises `BadInput` where that is not what the verdict says."""
    if said.verdict is Verdict.Word.CORRECT:
        if said.label == answered:
            raise refused(Fault("/label", "is what the model said: the verdict is to agree"))
        return said.label
    if said.label not in {None, answered}:
        raise refused(Fault("/label", "is not what the model said: leave it out, or let the verdict be to correct"))
    return answered
