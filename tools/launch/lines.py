"""Reads lines from pipes and writes lines to the screen, without blocking on either."""

import os
import select
import time
from collections.abc import Sequence

from tools.launch import box

CHUNK_BYTES = 65536
LONGEST_LINE_BYTES = 16384
DEFAULT_COLUMNS = 80  # of a terminal that does not say
MAX_WAITING_BYTES = 1024 * 1024


class LineReader:
    """Splits the output of a pipe into lines; never blocks."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.at_end = False
        self._descriptor = descriptor
        self._unfinished = b""

    def read(self) -> list[str]:
        """Returns the lines that were completed since the last call."""
        return self._split(self._chunk())

    def drain(self) -> list[str]:
        """Returns all remaining lines in the pipe, including an incomplete last one."""
        lines = self._split(b"".join(iter(self._chunk, b"")))
        last, self._unfinished = self._unfinished, b""
        return lines + ([_text(last)] if last else [])

    def _chunk(self) -> bytes:
        try:
            chunk = os.read(self._descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        self.at_end = not chunk
        return chunk

    def _split(self, chunk: bytes) -> list[str]:
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        if len(self._unfinished) > LONGEST_LINE_BYTES:
            lines.append(self._unfinished)
            self._unfinished = b""
        return [_text(line) for line in lines]


class Screen:
    """Writes lines to a terminal or pipe. A reader that stops reading loses lines, but does not block the system."""

    def __init__(self, descriptor: int = 1) -> None:
        self.descriptor = descriptor
        self._waiting = bytearray()
        self._missed = 0
        self._kept: list[str] = []
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def is_behind(self) -> bool:
        """Whether output is buffered."""
        return bool(self._waiting)

    def show(self, line: str) -> None:
        """Writes `line` now if the descriptor accepts it, otherwise buffers it."""
        if len(self._waiting) > MAX_WAITING_BYTES:
            self._missed += 1
            return
        if self._missed:
            line = f"({self._missed} lines were not shown)\n{line}"
            self._missed = 0
        self._add(f"{self._erasure()}{line}\n{self._footer()}")

    def keep(self, lines: Sequence[str]) -> None:
        """Shows lines that stay the last ones on a terminal, in place of the former. Elsewhere they are shown once."""
        if not os.isatty(self.descriptor):
            for line in lines:
                self.show(line)
            return
        erasure, self._kept = self._erasure(), list(lines)
        self._add(f"{erasure}{self._footer()}")

    def _add(self, text: str) -> None:
        self._waiting += text.encode(errors="replace")
        self.flush()

    def _footer(self) -> str:
        return "".join(f"{line}\n" for line in self._kept)

    def _erasure(self) -> str:
        """What moves the cursor to the start of the kept lines and clears all below."""
        rows = sum(box.rows(line, _columns(self.descriptor)) for line in self._kept)
        return f"\x1b[{rows}F\x1b[J" if rows else ""

    def flush(self, seconds: float = 0) -> None:
        """Writes buffered output, and waits up to `seconds` until the descriptor accepts all of it."""
        deadline = time.monotonic() + seconds
        while self._waiting and self._poll.poll(max(0, deadline - time.monotonic()) * 1000):
            if not (written := self._write()):
                return
            del self._waiting[:written]

    def _write(self) -> int:
        try:
            # A pipe that polls as writable accepts this many bytes; more might block.
            return os.write(self.descriptor, self._waiting[: select.PIPE_BUF])
        except BlockingIOError:
            return 0
        except OSError:  # the reader has gone
            return len(self._waiting)


def _columns(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or DEFAULT_COLUMNS
    except OSError:
        return DEFAULT_COLUMNS


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
