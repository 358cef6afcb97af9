"""Appending: durable before it returns, in order, from many threads, on disks that fail."""

import fcntl
import os
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from recording.journal import Entry, JournalFull, JournalUnwritable, Spool, Writer, segment
from recording.seals import START, Key
from tests.support.waiting import until

MIB = 1024 * 1024
KEY = Key("a key that seals nothing but tests")


@pytest.fixture
def make_writer(tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    made: list[Writer] = []

    def make(max_bytes: int = 64 * MIB, segment_bytes: int = MIB) -> Writer:
        made.append(Writer(tmp_path, new_origin=uuid4, key=KEY, max_bytes=max_bytes, segment_bytes=segment_bytes))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


def read_all(folder: Path) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    spool = Spool(folder)
    for name in spool.segments():
        found.setdefault(name.origin, []).extend(spool.read(name, 0, 2**40))
    return found


def payloads(folder: Path) -> list[bytes]:
    return sorted(entry.payload for entries in read_all(folder).values() for entry in entries)


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `size` bytes (EFBIG)."""
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


def test_it_keeps_every_entry_of_many_threads_once(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer(segment_bytes=16 * 1024)
    items = [b"%06d" % number for number in range(2000)]
    with ThreadPoolExecutor(16) as threads:
        sequences = list(threads.map(lambda item: writer.append(item, item), items))
    [entries] = read_all(tmp_path).values()
    assert [entry.sequence for entry in entries] == list(range(1, 2001))
    assert {entry.sequence: entry.payload for entry in entries} == dict(zip(sequences, items, strict=True))
    assert len(Spool(tmp_path).segments()) > 1


def test_it_syncs_once_for_all_who_wait(make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    first_is_syncing, all_wait = threading.Event(), threading.Event()
    write = os.pwrite

    def held_write(descriptor: int, data: bytes, offset: int) -> int:
        syncs.append(len(data))
        first_is_syncing.set()
        all_wait.wait(60)
        return write(descriptor, data, offset)

    writer = make_writer()
    writer.append(b"laid out", b"")
    monkeypatch.setattr(os, "pwrite", held_write)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(writer.append, b"first", b"")
        assert first_is_syncing.wait(60)
        others = [threads.submit(writer.append, b"other", b"") for _ in range(8)]
        until(lambda: len(writer._queue) == 8)
        all_wait.set()
        assert {first.result(), *(other.result() for other in others)} == set(range(2, 11))
    assert len(syncs) == 2


def test_what_it_appends_is_synced_before_anyone_is_told(
    make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[int] = []
    write = os.pwrite

    def noted(descriptor: int, data: bytes, offset: int) -> int:
        flags.append(fcntl.fcntl(descriptor, fcntl.F_GETFL))
        return write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", noted)
    make_writer().append(b"a", b"")
    assert flags
    assert all(flag & os.O_DSYNC for flag in flags)


def test_it_lays_its_file_out_so_that_a_sync_notes_no_length(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer()
    writer.append(b"x" * 1000, b"")
    [name] = Spool(tmp_path).segments()
    size = (tmp_path / str(name)).stat().st_size
    for _ in range(20):
        writer.append(b"x" * 1000, b"")
    assert (tmp_path / str(name)).stat().st_size == size
    assert segment.written_bytes(tmp_path / str(name)) == 21 * (segment.FRAME + 1000)
    for _ in range(size // 1000):
        writer.append(b"x" * 1000, b"")
    assert (tmp_path / str(name)).stat().st_size > size
    [entries] = read_all(tmp_path).values()
    assert [entry.sequence for entry in entries] == list(range(1, 22 + size // 1000))


def test_a_fault_of_ours_leaves_nobody_waiting(
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
        until(lambda: len(writer._queue) == 3, what="others")
        go_on.set()
        assert sorted(other.result(60) for other in others) == [1, 2, 3]
        with pytest.raises(ZeroDivisionError):
            first.result(60)
    assert payloads(tmp_path) == [b"before", b"waits", b"waits", b"waits"]


def test_it_begins_a_new_segment_at_its_bound_and_goes_on_counting(
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
    with no_file_beyond(4000):
        assert writer.append(b"b" * 2000, b"") == 1
    assert len(read_all(tmp_path)) == 2
    assert payloads(tmp_path) == [b"a" * 3000, b"b" * 2000]


def test_it_refuses_what_no_file_takes_and_leaves_nothing_of_it(
    make_writer: Callable[..., Writer], tmp_path: Path
) -> None:
    writer = make_writer()
    writer.append(b"before", b"")
    with no_file_beyond(1000), pytest.raises(JournalUnwritable):
        writer.append(b"x" * 5000, b"")
    writer.append(b"after", b"")
    assert payloads(tmp_path) == [b"after", b"before"]


def test_it_is_full_at_its_cap_whoever_filled_it(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    (tmp_path / "another-process").write_bytes(b"x" * 60_000)
    writer = make_writer(max_bytes=64 * 1024)
    writer.hold(1000)
    with pytest.raises(JournalFull, match="of 65536 bytes"):
        writer.hold(10_000)


def test_it_holds_the_room_of_calls_under_way_and_gives_it_back(make_writer: Callable[..., Writer]) -> None:
    writer = make_writer(max_bytes=64 * 1024)
    writer.hold(40_000)
    with pytest.raises(JournalFull):
        writer.hold(40_000)
    writer.let_go(40_000)
    writer.hold(40_000)


def test_it_is_full_where_the_disk_is(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    writer = make_writer(max_bytes=2**60)
    with pytest.raises(JournalFull, match="disk"):
        writer.hold(disk.f_bavail * disk.f_frsize + 2**40)


def test_it_says_so_where_its_folder_is_gone(make_writer: Callable[..., Writer], tmp_path: Path) -> None:
    writer = make_writer()
    tmp_path.rename(tmp_path.with_name("moved"))
    with pytest.raises(JournalUnwritable):
        writer.hold(1)
    with pytest.raises(JournalUnwritable):
        writer.append(b"x", b"")


def test_it_seals_each_entry_over_its_content_and_the_one_before_across_segments(
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
