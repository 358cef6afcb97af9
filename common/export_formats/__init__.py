"""The formats of exported files. Each module writes one.

A format is loaded when it is asked for: what Parquet needs would add 50 MiB to every process.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.module_loading import import_string


class Line(Protocol):
    """A row: a `NamedTuple`."""

    def __iter__(self) -> Iterator[Any]:
        """Its cells."""

    def described(self) -> dict[str, Any]:
        """Its members, for `as_json`."""


class Writer(Protocol):
    """Writes one file, piece by piece, each as soon as it is asked for it."""

    torn: bytes  # ends a file that breaks off, so that nobody who reads it takes it for whole

    def begin(self) -> bytes:
        """What stands before the first row."""

    def add(self, rows: Sequence[Line]) -> bytes:
        """Whole rows; some may be kept for a later piece."""

    def end(self) -> bytes:
        """What was kept, and what stands behind the last row."""


@dataclass(frozen=True)
class Form:
    """A kind of file: its media type, and the dotted path of the class that writes it."""

    media_type: str
    path: str

    def writer(self, kind: type[Any]) -> Writer:
        """One for a new file of such rows; `kind` is a `NamedTuple` with `described`."""
        made: Writer = import_string(self.path)(kind)
        return made


FORMS = {
    "csv": Form("text/csv; charset=utf-8", "common.export_formats.text.CSV"),
    "ndjson": Form("application/x-ndjson", "common.export_formats.text.NDJSON"),
    "parquet": Form("application/vnd.apache.parquet", "common.export_formats.parquet.Parquet"),
}
DEFAULT = "ndjson"


def form_name(value: str) -> str:
    """`value`, the name of a form. Raises `ValueError`, which says what to do."""
    if value not in FORMS:
        raise ValueError(f"must be one of {', '.join(FORMS)}")
    return value
