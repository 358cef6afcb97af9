"""The metrics folder: counts of ended processes stay in the sums, in few files, even after crashes."""

import os
import shutil
import struct
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from common.metrics import process_metrics
from common.metrics.process_metrics import MAX_DEAD_FILES, ProcessFiles

KEYS = {
    "counter": [mmap_key("ml_proxy_x", "ml_proxy_x_total", ["view"], ["predict"], "Text.")],
    "histogram": [mmap_key("ml_proxy_s", "ml_proxy_s_bucket", ["le"], [bound], "Text.") for bound in ("0.25", "+Inf")],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


def running(folder: Path, number: float) -> int:
    """Creates the files of a process with these counts; returns its lock. To close it ends the process."""
    name, descriptor = ProcessFiles(folder).begin()
    for kind, keys in KEYS.items():
        store = MmapedDict(str(folder / f"{kind}_{name}.db"))  # type: ignore[no-untyped-call]
        for key in keys:
            store.write_value(key, number, 0.0)  # type: ignore[no-untyped-call]
        store.close()  # type: ignore[no-untyped-call]
    return descriptor


def ended(folder: Path, number: float) -> None:
    os.close(running(folder, number))


def sums(folder: Path) -> dict[str, float]:
    samples = [sample for metric in ProcessFiles(folder).read()[0] for sample in metric.samples]
    return {sample.name + sample.labels.get("le", ""): sample.value for sample in samples}


def whole(number: float) -> dict[str, float]:
    """The expected sums; buckets are cumulative."""
    histogram = {"ml_proxy_s_bucket0.25": number, "ml_proxy_s_bucket+Inf": 2 * number, "ml_proxy_s_count": 2 * number}
    return {"ml_proxy_x_total": number, **histogram}


def test_it_adds_up_running_and_ended_processes(folder: Path) -> None:
    descriptor = running(folder, 3)
    ended(folder, 4)
    assert sums(folder) == whole(7)
    assert [process.pid for process in ProcessFiles(folder).read()[1]] == [os.getpid()]
    os.close(descriptor)
    assert sums(folder) == whole(7)
    assert ProcessFiles(folder).read()[1] == []


def test_it_keeps_few_files_of_ended_processes_even_without_scrapes(folder: Path) -> None:
    for _ in range(5 * MAX_DEAD_FILES):
        ended(folder, 1)
        assert len(list(folder.rglob("*.db"))) <= MAX_DEAD_FILES + 4
    assert sums(folder) == whole(5 * MAX_DEAD_FILES)


def test_a_lock_marks_a_running_process_not_its_id(folder: Path) -> None:
    """All files here are of this process, whose id exists."""
    ended(folder, 1)
    descriptor = running(folder, 2)
    assert len(ProcessFiles(folder).read()[1]) == 1
    os.close(descriptor)


def test_it_counts_nothing_twice_after_an_interrupted_merge(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # interrupted between the rename and the removal
    for number in range(1, MAX_DEAD_FILES):
        ended(folder, number)
    total = sum(range(1, MAX_DEAD_FILES))
    assert sums(folder) == whole(total)
    dead_folder = folder / "dead"
    assert {path.name for path in dead_folder.iterdir()} >= {"0", "1"}
    monkeypatch.undo()
    (dead_folder / "draft").mkdir()  # and another one while it wrote
    (dead_folder / "draft" / "counter_merged.db").write_bytes(b"half")
    for _ in range(MAX_DEAD_FILES):
        ended(folder, 1)
    assert sums(folder) == whole(total + MAX_DEAD_FILES)
    assert len(list(dead_folder.iterdir())) == 1


@pytest.mark.parametrize(
    "left", [b"", struct.pack("<iiii", 4000, 0, 10**6, 0) + bytes(4096), struct.pack("<ii", 10**6, 0), b"\x20" * 4096]
)
def test_it_skips_files_that_a_power_failure_damaged(
    folder: Path, caplog: pytest.LogCaptureFixture, left: bytes
) -> None:
    ended(folder, 1)
    for kind in ("counter", "histogram"):
        [file] = folder.glob(f"{kind}_*.db")
        file.write_bytes(left)
    ended(folder, 2)
    assert sums(folder) == whole(2)
    assert "which is damaged" in caplog.text


def test_it_allocates_its_files_before_it_maps_them(folder: Path) -> None:
    """On a full disk, a hole in a mapped file causes a SIGBUS."""
    descriptor = running(folder, 1)
    for file in folder.glob("*.db"):
        assert file.stat().st_blocks * 512 >= process_metrics.FILE_BYTES
        assert file.stat().st_mode & 0o077 == 0
    os.close(descriptor)


def test_it_allocates_merged_files_too(folder: Path) -> None:
    for _ in range(MAX_DEAD_FILES):
        ended(folder, 1)
    merged = list(folder.rglob("*_merged.db"))
    assert len(merged) == 2
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size for file in merged)


def test_it_waits_for_a_frozen_process_only_until_its_deadline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_metrics, "LOCK_SECONDS", 0.05)
    with ProcessFiles(folder)._locked(), pytest.raises(TimeoutError):
        ProcessFiles(folder).read()
