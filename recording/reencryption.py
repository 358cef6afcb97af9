"""Encrypts what is stored with the first of `DATA_KEYS`: after they were set, and to finish a rotation.

It can be interrupted and run again at any time, and while everything else runs: what has the first key already is left
alone, and a row that somebody holds is left for the next pass.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models, transaction
from django.db.models import Count, Value
from django.db.models.functions import Substr

from common import encryption
from common.encrypted_fields import encrypted_fields
from recording import backlog, sources
from recording.records import data_key_of

log = logging.getLogger(__name__)

CLEAR = "clear"
CHUNK_ROWS = 500  # whose keys are looked at in one statement
TRANSACTION_ROWS = 50  # that are rewritten in one transaction


class Usage(NamedTuple):
    """How many values of a place have one key; `key` is its id, or `CLEAR`."""

    place: str
    key: str
    values: int

    @property
    def is_current(self) -> bool:
        """Whether the key is the first of DATA_KEYS."""
        keys = encryption.keys()
        return self.key == (keys.current.id if keys else CLEAR)


class Step(NamedTuple):
    """Progress: how many rows or files were looked at, how many were written, and how many could not be decrypted."""

    seen: int
    written: int = 0
    unreadable: int = 0


def encrypted_models() -> list[Any]:
    """All models with encrypted columns."""
    return [model for model in apps.get_models() if encrypted_fields(model)]


def count_rows() -> int:
    """How many rows `encrypt_rows` looks at."""
    return sum(model._default_manager.count() for model in encrypted_models())  # noqa: SLF001 - documented as public


def encrypt_rows() -> Iterator[Step]:
    """Rewrites all rows that need it. Raises `UnknownDataKey` or Django's database errors."""
    for model in encrypted_models():
        last: Any = None
        while chunk := _heads(model, last):
            last = chunk[-1][0]
            yield Step(len(chunk))
            old = [pk for pk, *heads in chunk if _needs_rewriting(model, heads)]
            for start in range(0, len(old), TRANSACTION_ROWS):
                yield _rewrite(model, old[start : start + TRANSACTION_ROWS])


def encrypt_files() -> Iterator[Step]:
    """Rewrites all files that need it. Raises `UnknownDataKey` or `Unavailable`."""
    for source in sources.registered():
        for is_new in source.encrypt_files():
            yield Step(1, int(is_new))


def usage(journal: Path) -> Iterator[Usage]:
    """Counts the stored values by key, column by column, then files and this host's journal."""
    for model in encrypted_models():
        for field in encrypted_fields(model):
            yield from _usage_of_column(model, field)
    files = [key for source in sources.registered() for key in source.keys_of_files()]
    yield from _counted("files", files)
    entries = (entry for _, frame in backlog.frames(journal) for entry in frame.entries)
    yield from _counted("journal of this host", [data_key_of(entry.payload) for entry in entries])


def _counted(place: str, keys: Sequence[str]) -> Iterator[Usage]:
    for key in sorted(set(keys)):
        yield Usage(place, key or CLEAR, keys.count(key))


def _usage_of_column(model: Any, field: Any) -> Iterator[Usage]:
    place = field.place.decode()
    rows = model._default_manager.annotate(mark=_beginning(field, len(field.envelope))).order_by()  # noqa: SLF001
    mark = _as_stored(field, field.envelope)
    keys = rows.filter(mark=mark).values_list(_beginning(field, encryption.HEAD_LENGTH)).annotate(Count("pk"))
    for head, count in keys:
        yield Usage(place, _as_text(head)[len(field.envelope) :], count)
    if clear := rows.exclude(mark=mark).exclude(mark=_as_stored(field, "")).exclude(mark=None).count():
        yield Usage(place, CLEAR, clear)


def _heads(model: Any, last: Any) -> list[Any]:
    """The keys of the next rows, each with the beginnings of its encrypted columns."""
    rows = model._default_manager.order_by("pk")  # noqa: SLF001 - documented as public
    beginnings = [_beginning(field, encryption.HEAD_LENGTH) for field in encrypted_fields(model)]
    following = rows if last is None else rows.filter(pk__gt=last)
    return list(following.values_list("pk", *beginnings)[:CHUNK_ROWS])


def _needs_rewriting(model: Any, heads: Sequence[Any]) -> bool:
    fields = encrypted_fields(model)
    return any(_is_old(field, head) for field, head in zip(fields, heads, strict=True))


def _is_old(field: Any, stored: Any) -> bool:
    return bool(stored) and _as_text(stored)[: encryption.HEAD_LENGTH] != encryption.current_head(field.envelope)


def _rewrite(model: Any, keys: Sequence[Any]) -> Step:
    """Rewrites rows in one transaction. It does not wait for locks: it could deadlock with an erasure."""
    written = unreadable = 0
    fields = encrypted_fields(model)
    rows = model._default_manager.all()  # noqa: SLF001 - documented as public
    with transaction.atomic():
        locked = list(rows.select_for_update(skip_locked=True).filter(pk__in=keys).values_list("pk", flat=True))
        for pk in locked:  # one by one: a row may be large
            stored = rows.filter(pk=pk).values_list(*(field.raw() for field in fields)).get()
            values, bad = _renewed(fields, stored)
            unreadable += bad
            written += rows.filter(pk=pk).update(**values) if values else 0
    return Step(0, written, unreadable)


def _renewed(fields: Sequence[Any], stored: Sequence[Any]) -> tuple[Mapping[str, Any], int]:
    values, bad = {}, 0
    for field, value in zip(fields, stored, strict=True):
        if not _is_old(field, value):
            continue
        try:
            values[field.name] = Value(field.renewed(value), output_field=field.plain)
        except encryption.Undecryptable as exc:
            log.error("a value of %s is left as it is: %s", field.place.decode(), exc)
            bad += 1
    return values, bad


def _beginning(field: Any, length: int) -> Substr:
    return Substr(field.raw(), 1, length, output_field=field.plain)


def _as_stored(field: Any, text: str) -> Any:
    return text if isinstance(field, models.TextField) else text.encode()


def _as_text(head: Any) -> str:
    return head if isinstance(head, str) else bytes(head).decode("latin-1")
