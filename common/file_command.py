"""Management commands that write a file: complete under its name, or not at all."""

import os
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from tqdm import tqdm

from common.access import FAILED, ExportTrail
from common.exceptions import Unavailable
from common.export import Piece
from common.export_formats import DEFAULT, FORMS, SPREADSHEET, Form, chosen_form
from common.timestamps import moment

STDOUT = "-"
BAD_INPUT, INTERRUPTED = 2, 130  # exit statuses: as argparse, and as shells for Ctrl-C

# By an option's name: its reader, which raises `ValueError` with a fix, and its help text.
Conditions = Mapping[str, tuple[Callable[[str], Any], str]]
SPAN: Conditions = {
    "since": (moment, "ISO 8601, inclusive; UTC if it has no offset"),
    "until": (moment, "ISO 8601, exclusive; UTC if it has no offset"),
}


class FileCommand(BaseCommand):
    """Writes the file and prints the number of its rows."""

    conditions: ClassVar[Conditions]

    @abstractmethod
    def pieces(self, found: dict[str, Any], form: Form) -> Iterator[Piece]:
        """The parts of the file; `found` are the values of the conditions."""

    @abstractmethod
    def noted_as(self, found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The action and the filter in the access log."""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, its format and the conditions."""
        parser.add_argument("--output", required=True, metavar="FILE", help="the file to write, - for standard output")
        parser.add_argument("--format", choices=list(FORMS), default=DEFAULT, help=f"default: {DEFAULT}")
        parser.add_argument("--bom", action="store_true", help="CSV begins with a byte order mark, for Excel")
        safe = "CSV has ' before texts that look like formulas"
        parser.add_argument("--safe-cells", action="store_true", help=safe)
        for name, (_, help_text) in self.conditions.items():
            parser.add_argument(f"--{name}", help=help_text)

    def handle(self, *args: Any, output: str, format: str, **options: Any) -> None:  # noqa: A002 - as the option
        """Writes the complete file, or none under that name."""
        found, form = self.read_conditions(options), _read_form(format, options)
        with _one_line_errors(output), _opened(output) as file:
            trail = ExportTrail(None, *self.noted_as(found))
            rows = _write(self.pieces(found, form), file, trail)
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


def _read_form(name: str, options: Mapping[str, Any]) -> Form:
    """The chosen form. Raises `CommandError`."""
    chosen = {option: options[option] for option in SPREADSHEET}
    try:
        return chosen_form(name, **chosen)
    except ValueError as exc:
        wrong = " and ".join(f"--{option.replace('_', '-')}" for option, value in chosen.items() if value)
        raise CommandError(f"{wrong} {exc}.", returncode=BAD_INPUT) from exc


def _write(pieces: Iterator[Piece], file: IO[bytes], trail: ExportTrail) -> int:
    """Returns the number of rows written. People are noted before their rows are written."""
    total = 0
    trail.begin()
    try:
        with tqdm(unit="row", unit_scale=True, disable=None) as bar:
            for data, rows, subjects in pieces:
                trail.add(rows, subjects)
                file.write(data)
                total += rows
                bar.update(rows)
        file.flush()
        trail.end()
    finally:
        trail.break_off(FAILED)  # does nothing after the end
    return total


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    """A draft beside the file, which replaces the file if the block succeeds."""
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
            with suppress(FileNotFoundError):  # it was renamed
                Path(draft.name).unlink()


@contextmanager
def _one_line_errors(output: str) -> Iterator[None]:
    try:
        yield
    except Error as exc:
        fix = "check DATABASE_URL and run `manage.py migrate`"
        raise CommandError(f"The database did not return the rows ({type(exc).__name__}): {fix}.") from exc
    except Unavailable as exc:
        raise CommandError(exc.detail) from exc
    except OSError as exc:
        if output == STDOUT:  # otherwise the interpreter reports the error again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"{output} can't be written: {exc.strerror}.") from exc
    except KeyboardInterrupt:
        raise CommandError("Interrupted; no file was written.", returncode=INTERRUPTED) from None
