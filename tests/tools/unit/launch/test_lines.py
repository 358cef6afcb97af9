import os
from collections.abc import Iterator

import pytest

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
