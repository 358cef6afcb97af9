"""Each tampering of the campaign is named by verification, and undone exactly."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from common.ids import uuid7
from ml_proxy.models import Feedback, InferenceLog
from recording import origins
from recording.batches import Batch
from recording.findings import Finding
from recording.ingestion import write_batch
from recording.journal import Spool, Writer, journal_folder
from recording.models import Disposition, Fold, Origin
from recording.publisher.heads import Heads
from recording.seals import keyring
from recording.tasks import write_records
from recording.verification import verify
from tests.support.record_pipeline import append, record
from tools.chaos.tampering import TAMPERINGS, Log, Place, Tampering

pytestmark = pytest.mark.django_db(transaction=True)  # an origin goes on once its numbers are committed


@pytest.fixture
def log(tmp_path: Path, settings: Settings) -> Log:
    """A log with rows of an origin that has ended, and of one that the journal still holds; both are settled."""
    settings.VAR_DIR = tmp_path
    folder = journal_folder()
    write_origin(folder)
    [ended] = Spool(folder).segments()
    (folder / str(ended)).unlink()
    origins.end(UUID(ended.origin))
    write_origin(folder)
    made = Log(folder, Random(1))
    made.plant()
    heads = Heads(folder)
    heads.update()
    heads.save()
    made.capture()
    return made


def write_origin(folder: Path) -> None:
    writer = Writer(folder, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
    for _ in range(4):
        append(writer, record(output_data=f'"{uuid4()}"'))
    writer.close()
    for name in Spool(folder).segments():
        write_batch(Batch.of(UUID(name.origin), "host", name.key_id, Spool(folder).entries(name)))


def findings(log: Log) -> list[Finding]:
    return [finding for step in verify(log.journal) for finding in step.findings]


def everything() -> list[Any]:
    tables = (InferenceLog, Feedback, Disposition, Origin, Fold)
    rows = [row for table in tables for row in table._base_manager.order_by("pk").values()]
    return [row | {"changed_at": None} for row in rows]  # a replayed message renews it


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", TAMPERINGS)
def test_verification_names_it_and_nothing_else(log: Log, name: str, seed: int) -> None:
    before, log.rng = everything(), Random(seed)
    tampering = chosen(TAMPERINGS[name], log)
    tampering.apply()
    for message in tampering.messages:
        write_records(**message)
    found = findings(log)
    assert tampering.is_named(found), found
    assert tampering.invented(found) == []
    assert (everything() == before) is not bool(tampering.before or tampering.after)
    tampering.undo()
    assert everything() == before
    assert findings(log) == []


def chosen(choose: Callable[[Log], Tampering], log: Log) -> Tampering:
    """Chooses again if it chose, say, the same row twice."""
    try:
        return choose(log)
    except ValueError:
        return chosen(choose, log)


def test_what_is_not_named_and_what_is_invented_shows() -> None:
    origin = uuid7()
    tampering = Tampering(named_as="missing", places=[Place(origin, 3, 3)])
    right, elsewhere = Finding("missing", origin, 3, 3, ""), Finding("missing", origin, 3, 4, "")
    assert tampering.is_named([right])
    assert not tampering.is_named([])
    assert not tampering.is_named([elsewhere, Finding("changed", origin, 3, 3, "")])
    assert tampering.invented([right, elsewhere]) == [elsewhere]
    assert Tampering().is_named([])
    assert Tampering().invented([right]) == [right]


def test_what_it_planted_becomes_tombstones(log: Log) -> None:
    log.clear()
    assert not InferenceLog.objects.filter(request_id="planted").exists()
    assert Disposition.objects.filter(origin=log.planted, kind="erased").count() == 8
    assert findings(log) == []
