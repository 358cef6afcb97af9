"""Commands that write what was asked for to a file: whole under its name, or not at all."""

import os
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from tqdm import tqdm

from common.exceptions import Unavailable
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, Form
from common.timestamps import moment

STDOUT = "-"
BAD_INPUT, INTERRUPTED = 2, 130  # as argparse, and as shells for Ctrl-C

# By an option's name: what reads it or raises a `ValueError` that says what to do, and its help.
Conditions = Mapping[str, tuple[Callable[[str], Any], str]]
SPAN: Conditions = {
    "since": (moment, "ISO 8601, inclusive; UTC where it has no offset"),
    "until": (moment, "ISO 8601, exclusive; UTC where it has no offset"),
}


class FileCommand(BaseCommand):
    """Writes the file and says how many rows it has."""

    conditions: ClassVar[Conditions]

    @abstractmethod
    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """The file of what the conditions, as they were read, name."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, in which form, and which rows."""
        parser.add_argument("--output", required=True, metavar="FILE", help="where to, - for standard output")
        parser.add_argument("--format", choices=list(FORMS), default=DEFAULT, help=f"{DEFAULT} unless given")
        for name, (_, help_text) in self.conditions.items():
            parser.add_argument(f"--{name}", help=help_text)

    def handle(self, *args: Any, output: str, format: str, **options: Any) -> None:  # noqa: A002 - as the option
        """Writes all of it, or nothing under that name."""
        found = self.read_conditions(options)
        with _told_in_one_line(output), _opened(output) as file:
            rows = _write(self.pieces(found, FORMS[format]), file)
        self.stderr.write(f"{rows:,} rows written.", self.style.SUCCESS)

    def read_conditions(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The values of `conditions` that are given. Raises `CommandError`."""
        found: dict[str, Any] = {}
        for name, (read, _) in self.conditions.items():
            if (value := options[name]) is not None:
                try:
                    found[name] = read(value)
                except ValueError as exc:
                    raise CommandError(f"--{name} {exc}.", returncode=BAD_INPUT) from exc
        return found


def _write(pieces: Iterator[Piece], file: IO[bytes]) -> int:
    """Gives how many rows were written."""
    total = 0
    with tqdm(unit="row", unit_scale=True, disable=None) as bar:
        for data, rows in pieces:
            file.write(data)
            total += rows
            bar.update(rows)
    file.flush()
    return total


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    """Where to write: a draft beside the file that is meant, which takes its place at the block's good end."""
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    path = Path(output)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False) as draft:
        try:
            yield draft
            os.fsync(draft.fileno())
            Path(draft.name).replace(path)
        finally:
            with suppress(FileNotFoundError):  # it has its name
                Path(draft.name).unlink()


@contextmanager
def _told_in_one_line(output: str) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        mend = "see that DATABASE_URL is right and that `manage.py migrate` has run"
        raise CommandError(f"The database did not give the rows ({type(exc).__name__}): {mend}.") from exc
    except Unavailable as exc:
        raise CommandError(exc.detail) from exc
    except OSError as exc:
        if output == STDOUT:  # or the interpreter complains of it once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"{output} can't be written: {exc.strerror}.") from exc
    except KeyboardInterrupt:
        raise CommandError("Stopped; nothing is kept.", returncode=INTERRUPTED) from None
