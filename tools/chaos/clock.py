"""A clock that steps, for the product's processes alone: a small library, compiled here and preloaded into them.

libfaketime would do more than that: it also answers for waits, and then `time.sleep(0)` fails with EINVAL.
"""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
OFFSET = struct.Struct("=q")  # seconds


class NoClock(Exception):
    """This machine can't compile the library; the text says why."""


class Clock:
    """The clock of the processes that run with `prefix`. Raises `NoClock`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_bytes(OFFSET.pack(0))
        self.prefix = ("env", f"LD_PRELOAD={_compiled(folder)}", f"CHAOS_CLOCK={self._file}")

    @contextmanager
    def stepped(self, seconds: int) -> Iterator[None]:
        """The clock is ahead by `seconds`, which may be negative, during the block."""
        self._set(seconds)
        try:
            yield
        finally:
            self._set(0)

    def _set(self, seconds: int) -> None:
        with self._file.open("r+b") as file:
            file.write(OFFSET.pack(seconds))


def _compiled(folder: Path) -> Path:
    library, compiler = folder / "clock.so", shutil.which("cc")
    if compiler is None:
        raise NoClock("there is no C compiler")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], capture_output=True, check=False
    )
    if done.returncode:
        raise NoClock(f"the C compiler fails: {done.stderr.decode()}")
    return library
