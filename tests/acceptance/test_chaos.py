"""Short fault campaigns of fixed seeds against the real processes. `make chaos` runs the long ones."""

import json
from pathlib import Path

import pytest

from tools.chaos.__main__ import main

SEED = 35783  # on both databases it kills each kind of process, makes the disk refuse writes, and flips a bit
QUICK = ["--predictions=300", "--faults=7", "--seconds=120", "--rate=80", "--bare"]


def test_it_keeps_every_answer_once_despite_faults(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = "postgres" if database_url else "sqlite"
    status = main([f"--seed={SEED}", f"--database={kind}", f"--folder={tmp_path}", *QUICK])
    found = json.loads((tmp_path / f"chaos-{SEED}.json").read_text())
    shown = capsys.readouterr().out
    assert found["answered"] >= 300, shown
    assert sum(found["faults"].values()) == 7, shown
    assert found["failed_faults"] == 0, shown
    assert found["comparison"]["missing"] == found["comparison"]["doubled"] == 0, shown
    assert found["is_verified"], shown
    assert found["watched"]["tamperings"], shown
    assert found["watched"]["not_named"] == found["watched"]["invented"] == [], shown
    assert found["watched"]["gaps"] == 0 < found["watched"]["frames_read"], shown
    assert found["drained_seconds"] is not None, shown
    assert found["account"]["quarantined"] == 0, shown
    assert (status, found["is_whole"]) == (0, True), shown
