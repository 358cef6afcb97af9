"""The folder of counts: what the dead counted stays in the sums, in few files, whoever dies in the middle of what."""

import os
import shutil
import struct
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from common.metrics import process_metrics
from common.metrics.process_metrics import MAX_DEAD_FILES, Lives

KEYS = {
    "counter": [mmap_key("ml_proxy_x", "ml_proxy_x_total", ["view"], ["predict"], "Text.")],
    "histogram": [mmap_key("ml_proxy_s", "ml_proxy_s_bucket", ["le"], [bound], "Text.") for bound in ("0.25", "+Inf")],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


def live(folder: Path, number: float) -> int:
    """A life that counted so much, and the descriptor that is its lock: closed, it is dead."""
    life, descriptor = Lives(folder).begin()
    for kind, keys in KEYS.items():
        kept = MmapedDict(str(folder / f"{kind}_{life}.db"))  # type: ignore[no-untyped-call]
        for key in keys:
            kept.write_value(key, number, 0.0)  # type: ignore[no-untyped-call]
        kept.close()  # type: ignore[no-untyped-call]
    return descriptor


def die(folder: Path, number: float) -> None:
    os.close(live(folder, number))


def sums(folder: Path) -> dict[str, float]:
    samples = [sample for metric in Lives(folder).read()[0] for sample in metric.samples]
    return {sample.name + sample.labels.get("le", ""): sample.value for sample in samples}


def whole(number: float) -> dict[str, float]:
    """As many in each bucket, which the exposition adds up."""
    histogram = {"ml_proxy_s_bucket0.25": number, "ml_proxy_s_bucket+Inf": 2 * number, "ml_proxy_s_count": 2 * number}
    return {"ml_proxy_x_total": number, **histogram}


def test_it_adds_up_the_living_and_the_dead(folder: Path) -> None:
    descriptor = live(folder, 3)
    die(folder, 4)
    assert sums(folder) == whole(7)
    assert [process.pid for process in Lives(folder).read()[1]] == [os.getpid()]
    os.close(descriptor)
    assert sums(folder) == whole(7)
    assert Lives(folder).read()[1] == []


def test_it_keeps_few_files_of_many_dead_even_where_nobody_scrapes(folder: Path) -> None:
    for _ in range(5 * MAX_DEAD_FILES):
        die(folder, 1)
        assert len(list(folder.rglob("*.db"))) <= MAX_DEAD_FILES + 4
    assert sums(folder) == whole(5 * MAX_DEAD_FILES)


def test_it_takes_a_lock_for_a_life_and_no_process_id(folder: Path) -> None:
    """All lives here are of one process id, which is alive."""
    die(folder, 1)
    descriptor = live(folder, 2)
    assert len(Lives(folder).read()[1]) == 1
    os.close(descriptor)


def test_it_counts_nothing_twice_where_a_fold_was_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed between the rename and the removal
    for number in range(1, MAX_DEAD_FILES):
        die(folder, number)
    total = sum(range(1, MAX_DEAD_FILES))
    assert sums(folder) == whole(total)
    graves = folder / "dead"
    assert {path.name for path in graves.iterdir()} >= {"0", "1"}
    monkeypatch.undo()
    (graves / "draft").mkdir()  # and another in the middle of writing
    (graves / "draft" / "counter_folded.db").write_bytes(b"half")
    for _ in range(MAX_DEAD_FILES):
        die(folder, 1)
    assert sums(folder) == whole(total + MAX_DEAD_FILES)
    assert len(list(graves.iterdir())) == 1


@pytest.mark.parametrize(
    "left", [b"", struct.pack("<iiii", 4000, 0, 10**6, 0) + bytes(4096), struct.pack("<ii", 10**6, 0), b"\x20" * 4096]
)
def test_it_leaves_out_what_a_power_cut_damaged(folder: Path, caplog: pytest.LogCaptureFixture, left: bytes) -> None:
    die(folder, 1)
    for kind in ("counter", "histogram"):
        [file] = folder.glob(f"{kind}_*.db")
        file.write_bytes(left)
    die(folder, 2)
    assert sums(folder) == whole(2)
    assert "can't be read and does not count" in caplog.text


def test_it_lays_its_files_out_before_they_are_mapped(folder: Path) -> None:
    """A hole in a mapped file is a SIGBUS on a full disk."""
    descriptor = live(folder, 1)
    for file in folder.glob("*.db"):
        assert file.stat().st_blocks * 512 >= process_metrics.FILE_BYTES
        assert file.stat().st_mode & 0o077 == 0
    os.close(descriptor)


def test_it_waits_no_longer_than_it_says_for_a_process_that_is_frozen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_metrics, "LOCK_SECONDS", 0.05)
    with Lives(folder)._locked(), pytest.raises(TimeoutError):
        Lives(folder).read()
