"""The writer: durable before it returns, in order, from many threads, on failing disks."""

import ctypes
import errno
import fcntl
import os
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from recording.journal import Entry, JournalFull, JournalStalled, JournalUnwritable, Spool, Writer, segment
from recording.seals import START, Key
from tests.support.wait import until

MIB = 1024 * 1024
KEY = Key("a key that seals nothing but tests")


@pytest.fixture
def make_writer(tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    made: list[Writer] = []

    def make(max_bytes: int = 64 * MIB, segment_bytes: int = MIB, write_seconds: float = 60) -> Writer:
        limits = {"max_bytes": max_bytes, "segment_bytes": segment_bytes}
        made.append(Writer(tmp_path, new_origin=uuid4, key=KEY, write_seconds=write_seconds, **limits))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


def read_all(folder: Path) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    spool = Spool(folder)
    for name in spool.segments():
        found.setdefault(name.origin, []).extend(spool.entries(name))
    return found


def payloads(folder: Path) -> list[bytes]:
    return sorted(entry.payload for entries in read_all(folder).values() for entry in entries)


@contextmanager
def max_file_size(size: int) -> Iterator[None]:
    """Limits the size of this process' files: larger writes fail with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_it_numbers_entries_in_file_order_from_one(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer()
    assert [writer.append(b"%d" % number, b"") for number in range(3)] == [1, 2, 3]
    [entries] = read_all(tmp_path).values()
    assert [(entry.sequence, entry.payload) for entry in entries] == [(1, b"0"), (2, b"1"), (3, b"2")]


def test_it_writes_every_entry_of_many_threads_once(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer(segment_bytes=16 * 1024)
    items = [b"%06d" % number for number in range(2000)]
    with ThreadPoolExecutor(16) as threads:
        sequences = list(threads.map(lambda item: writer.append(item, item), items))
    [entries] = read_all(tmp_path).values()
    assert [entry.sequence for entry in entries] == list(range(1, 2001))
    assert {entry.sequence: entry.payload for entry in entries} == dict(zip(sequences, items, strict=True))
    assert len(Spool(tmp_path).segments()) > 1


def test_it_syncs_once_for_all_waiting_appends(
    make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    first_is_syncing, all_wait = threading.Event(), threading.Event()
    write = os.pwrite

    def blocking_write(descriptor: int, data: bytes, offset: int) -> int:
        syncs.append(len(data))
        first_is_syncing.set()
        all_wait.wait(60)
        return write(descriptor, data, offset)

    writer = make_writer()
    writer.append(b"preallocated", b"")
    monkeypatch.setattr(os, "pwrite", blocking_write)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(writer.append, b"first", b"")
        assert first_is_syncing.wait(60)
        others = [threads.submit(writer.append, b"other", b"") for _ in range(8)]
        until(lambda: writer._queue.qsize() == 8)
        all_wait.set()
        assert {first.result(), *(other.result() for other in others)} == set(range(2, 11))
    assert len(syncs) == 2


def test_it_returns_only_after_the_sync(make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[int] = []
    write = os.pwrite

    def recording_write(descriptor: int, data: bytes, offset: int) -> int:
        flags.append(fcntl.fcntl(descriptor, fcntl.F_GETFL))
        return write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", recording_write)
    make_writer().append(b"a", b"")
    assert flags
    assert all(flag & os.O_DSYNC for flag in flags)


def test_it_preallocates_its_file_so_that_a_sync_changes_no_length(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer()
    writer.append(b"x" * 1000, b"")
    [name] = Spool(tmp_path).segments()
    size = (tmp_path / str(name)).stat().st_size
    for _ in range(20):
        writer.append(b"x" * 1000, b"")
    assert (tmp_path / str(name)).stat().st_size == size
    assert segment.written_bytes(tmp_path / str(name)) == 21 * (segment.HEAD_BYTES + segment.SEALED.size + 1000)
    for _ in range(size // 1000):
        writer.append(b"x" * 1000, b"")
    assert (tmp_path / str(name)).stat().st_size > size
    [entries] = read_all(tmp_path).values()
    assert [entry.sequence for entry in entries] == list(range(1, 22 + size // 1000))


def test_an_unexpected_error_leaves_no_append_waiting(
    make_writer: Callable[..., Writer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, pwrite, writing, go_on = make_writer(), os.pwrite, threading.Event(), threading.Event()
    writer.append(b"before", b"")

    def fails_at_first(descriptor: int, data: bytes, offset: int) -> int:
        if writing.is_set():
            return pwrite(descriptor, data, offset)
        writing.set()
        assert go_on.wait(60)
        pwrite(descriptor, data, offset)
        raise ZeroDivisionError

    monkeypatch.setattr(os, "pwrite", fails_at_first)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(writer.append, b"fails", b"")
        assert writing.wait(60)
        others = [pool.submit(writer.append, b"waits", b"") for _ in range(3)]
        until(lambda: writer._queue.qsize() == 3, what="others")
        go_on.set()
        assert sorted(other.result(60) for other in others) == [1, 2, 3]
        with pytest.raises(JournalUnwritable, match="ZeroDivisionError"):
            first.result(60)
    assert payloads(tmp_path) == [b"before", b"waits", b"waits", b"waits"]


def test_a_disk_that_takes_nothing_is_left_without_files(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    """Each failed append would leave two empty segments, and only a publisher with a database can remove them."""
    writer = make_writer()
    with max_file_size(0):
        for _ in range(3):
            with pytest.raises(JournalUnwritable):
                writer.append(b"refused", b"")
    assert list(tmp_path.iterdir()) == []
    assert writer.append(b"taken", b"") == 1


def test_a_failed_close_after_a_failed_write_acknowledges_nothing(
    make_writer: Callable[..., Writer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network file systems report a failed write once more on close. The descriptor is closed all the same."""
    writer, open_file, close, twice = make_writer(), os.open, os.close, list[int]()
    writer.append(b"before", b"")
    assert writer._open is not None
    held = {writer._open._descriptor}

    def recorded_open(*args: Any, **kwargs: Any) -> int:
        held.add(descriptor := open_file(*args, **kwargs))
        return descriptor

    def failing_write(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def failing_close(descriptor: int) -> None:
        if descriptor not in held:
            twice.append(descriptor)
        held.discard(descriptor)
        close(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as failing:
        failing.setattr(os, "open", recorded_open)
        failing.setattr(os, "pwrite", failing_write)
        failing.setattr(os, "close", failing_close)
        with ThreadPoolExecutor(4) as threads:
            appends = [threads.submit(writer.append, b"lost", b"") for _ in range(4)]
            assert {type(append.exception(60)) for append in appends} == {JournalUnwritable}
    assert twice == []  # another thread may have the descriptor by then
    assert held == set()
    assert len(list(tmp_path.iterdir())) == 1
    assert writer.append(b"after", b"") == 1
    assert payloads(tmp_path) == [b"after", b"before"]


def test_an_interrupted_append_holds_up_no_other(
    make_writer: Callable[..., Writer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    writer, pwrite, writing, go_on = make_writer(), os.pwrite, threading.Event(), threading.Event()
    writer.append(b"before", b"")

    def held_write(descriptor: int, data: bytes, offset: int) -> int:
        writing.set()
        assert go_on.wait(60)
        return pwrite(descriptor, data, offset)

    def interrupted_append() -> None:
        with suppress(Interrupted):
            writer.append(b"interrupted", b"")

    monkeypatch.setattr(os, "pwrite", held_write)
    first = threading.Thread(target=writer.append, args=(b"first", b""))
    first.start()
    assert writing.wait(60)
    second = threading.Thread(target=interrupted_append)
    second.start()
    until(lambda: writer._queue.qsize() == 1)
    assert second.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(second.ident), ctypes.py_object(Interrupted))
    third = threading.Thread(target=writer.append, args=(b"third", b""))
    third.start()
    until(lambda: writer._queue.qsize() == 2)
    go_on.set()
    for thread in (first, second, third):
        thread.join(60)
        assert not thread.is_alive()
    assert {b"first", b"third"} <= set(payloads(tmp_path))
    assert writer.append(b"after", b"")


def test_a_disk_that_hangs_ends_appends_at_their_deadline(
    make_writer: Callable[..., Writer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, pwrite, hangs, answers = make_writer(), os.pwrite, threading.Event(), threading.Event()
    assert writer.append(b"before", b"") == 1

    def hanging_write(descriptor: int, data: bytes, offset: int) -> int:
        hangs.set()
        assert answers.wait(60)
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", hanging_write)
    with ThreadPoolExecutor(3) as threads:
        writer._write_seconds, write_seconds = 1, writer._write_seconds  # it has to begin within the deadline
        first = threads.submit(writer.append, b"unknown", b"")
        assert hangs.wait(60)
        writer._write_seconds = 0.01
        others = [threads.submit(writer.append, b"never", b"") for _ in range(2)]
        assert {type(append.exception(60)) for append in (first, *others)} == {JournalStalled}
    for refused in (lambda: writer.append(b"refused", b""), lambda: writer.reserve(1)):
        with pytest.raises(JournalStalled, match="does not answer"):  # at once: a wait ends with another text
            refused()
    writer._write_seconds = write_seconds
    answers.set()
    until(lambda: _is_accepted(writer))
    assert set(payloads(tmp_path)) <= {b"before", b"unknown", b"after"}


def _is_accepted(writer: Writer) -> bool:
    try:
        return bool(writer.append(b"after", b""))
    except JournalStalled:
        return False


def test_it_begins_a_new_segment_at_its_size_limit_and_continues_the_sequence(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer(segment_bytes=4096)
    for _ in range(10):
        writer.append(b"x" * 1000, b"")
    names = Spool(tmp_path).segments()
    assert [name.number for name in names] == list(range(1, len(names) + 1))
    assert len(names) > 1
    [entries] = read_all(tmp_path).values()
    assert [entry.sequence for entry in entries] == list(range(1, 11))


def test_it_moves_to_a_new_origin_after_a_failed_write(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer()
    writer.append(b"a" * 3000, b"")
    with max_file_size(4000):
        assert writer.append(b"b" * 2000, b"") == 1
    assert len(read_all(tmp_path)) == 2
    assert payloads(tmp_path) == [b"a" * 3000, b"b" * 2000]


def test_it_refuses_a_record_that_does_not_fit_and_leaves_no_part_of_it(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer()
    writer.append(b"before", b"")
    with max_file_size(1000), pytest.raises(JournalUnwritable):
        writer.append(b"x" * 5000, b"")
    writer.append(b"after", b"")
    assert payloads(tmp_path) == [b"after", b"before"]


def test_its_size_limit_counts_files_of_other_processes(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    (tmp_path / "another-process").write_bytes(b"x" * 60_000)
    writer = make_writer(max_bytes=64 * 1024)
    writer.reserve(1000)
    with pytest.raises(JournalFull, match="of 65536 bytes"):
        writer.reserve(10_000)


def test_it_reserves_and_releases_space(make_writer: Callable[..., Writer]) -> None:
    writer = make_writer(max_bytes=64 * 1024)
    writer.reserve(40_000)
    with pytest.raises(JournalFull):
        writer.reserve(40_000)
    writer.release(40_000)
    writer.reserve(40_000)


def test_it_is_full_if_the_disk_is_full(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    writer = make_writer(max_bytes=2**60)
    with pytest.raises(JournalFull, match="disk"):
        writer.reserve(disk.f_bavail * disk.f_frsize + 2**40)


def test_it_is_unwritable_if_its_folder_is_gone(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer()
    tmp_path.rename(tmp_path.with_name("moved"))
    with pytest.raises(JournalUnwritable):
        writer.reserve(1)
    with pytest.raises(JournalUnwritable):
        writer.append(b"x", b"")


def test_each_seal_covers_content_and_previous_seal_across_segments(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer(segment_bytes=4096)
    for number in range(60):
        writer.append(b"x" * 100, b"%d" % number)
    [(origin, entries)] = read_all(tmp_path).items()
    seal = START
    for number, entry in enumerate(entries):
        assert entry.digest == KEY.digest(b"%d" % number)
        seal = KEY.seal(seal, UUID(origin), number + 1, entry.digest)
        assert entry.seal == seal
    assert len(Spool(tmp_path).segments()) > 1
