import os
from collections.abc import Iterator

import pytest

from tools.launch import box
from tools.launch.lines import LONGEST_LINE_BYTES, MAX_WAITING_BYTES, LineReader, Screen

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:
            continue


def test_it_gives_a_line_once_it_is_finished(pipe: Pipe) -> None:
    reader = LineReader(pipe[0])
    os.write(pipe[1], "하나\ntw".encode())
    assert reader.read() == ["하나"]
    os.write(pipe[1], b"o\r\n")
    assert reader.read() == ["two"]
    assert reader.read() == []


def test_it_gives_an_unfinished_line_at_the_end(pipe: Pipe) -> None:
    reader = LineReader(pipe[0])
    os.write(pipe[1], b"one\ntwo")
    os.close(pipe[1])
    assert reader.drain() == ["one", "two"]
    assert reader.at_end


def test_it_cuts_a_line_that_has_no_end(pipe: Pipe) -> None:
    reader = LineReader(pipe[0])
    os.write(pipe[1], b"x" * (LONGEST_LINE_BYTES + 1))
    assert reader.read() == ["x" * (LONGEST_LINE_BYTES + 1)]


def test_it_shows_what_can_be_read_and_keeps_what_can_not(pipe: Pipe) -> None:
    screen = Screen(pipe[1])
    lines = [f"{number:>99}" for number in range(2000)]
    for line in lines:
        screen.show(line)
    assert screen.is_behind()
    shown = b""
    while screen.is_behind():
        shown += os.read(pipe[0], 65536)
        screen.flush()
    shown += os.read(pipe[0], 65536)
    assert shown.decode().splitlines() == lines


def test_it_says_how_many_lines_were_missed(pipe: Pipe) -> None:
    screen = Screen(pipe[1])
    for _ in range(MAX_WAITING_BYTES // 100 + 2000):
        screen.show("x" * 99)
    while screen.is_behind():
        os.read(pipe[0], 65536)
        screen.flush()
    screen.show("here again")
    missed, again = os.read(pipe[0], 65536).decode().splitlines()[-2:]
    assert missed.endswith(" lines were not shown)")
    assert again == "here again"


def test_it_does_without_a_reader(pipe: Pipe) -> None:
    screen = Screen(pipe[1])
    os.close(pipe[0])
    screen.show("x")
    assert not screen.is_behind()


def test_kept_lines_stay_the_last_ones_on_a_terminal() -> None:
    master, slave = os.openpty()
    try:
        screen = Screen(slave)
        screen.keep(box.around(["ready", "로그인"]))
        screen.show("a line")
        screen.keep([])
        screen.show("the end")
        shown = ""
        while not shown.endswith("the end\n"):  # a terminal gives what it has
            shown += os.read(master, 65536).decode().replace("\r\n", "\n")
    finally:
        os.close(master)
        os.close(slave)
    kept = "╭────────╮\n│ ready  │\n│ 로그인 │\n╰────────╯\n"
    erased = "\x1b[4F\x1b[J"
    assert shown == f"{kept}{erased}a line\n{kept}{erased}the end\n"


def test_kept_lines_are_shown_once_where_there_is_no_terminal(pipe: Pipe) -> None:
    screen = Screen(pipe[1])
    screen.keep(["ready"])
    screen.show("a line")
    screen.keep([])
    assert os.read(pipe[0], 65536) == b"ready\na line\n"


def test_a_long_line_takes_several_rows_of_a_narrow_terminal() -> None:
    assert [box.rows(line, 10) for line in ("", "x" * 10, "x" * 11, "가" * 6)] == [1, 1, 2, 2]
