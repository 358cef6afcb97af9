"""Formats of exported files. Each module writes one kind.

A format is loaded on first use, because Parquet's library would add 50 MiB to every process.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from django.utils.module_loading import import_string


class Line(Protocol):
    """A row: a `NamedTuple`."""

    def __iter__(self) -> Iterator[Any]:
        """Its cells."""

    def described(self) -> dict[str, Any]:
        """Its JSON members, for `as_json`."""


class Writer(Protocol):
    """Writes one file, part by part."""

    torn: bytes  # ends an incomplete file, so that no reader takes it for complete

    def begin(self) -> bytes:
        """The part before the first row."""

    def add(self, rows: Sequence[Line]) -> bytes:
        """Complete rows; a writer may keep some for a later part."""

    def end(self) -> bytes:
        """The rows that were kept, and the part after the last row."""


@dataclass(frozen=True)
class Form:
    """A file format: its media type, the dotted path of its writer class, the end of file names, writer options."""

    media_type: str
    path: str
    suffix: str
    options: Mapping[str, bool] = field(default_factory=dict)

    def writer(self, kind: type[Any]) -> Writer:
        """A writer for a new file; `kind` is the class of the rows, a `NamedTuple` with `described`."""
        writer: Writer = import_string(self.path)(kind, **self.options)
        return writer


FORMS = {
    "csv": Form("text/csv; charset=utf-8", "common.export_formats.text.CSV", "csv"),
    "ndjson": Form("application/x-ndjson", "common.export_formats.text.NDJSON", "ndjson"),
    "parquet": Form("application/vnd.apache.parquet", "common.export_formats.parquet.Parquet", "parquet"),
}
DEFAULT = "ndjson"
SPREADSHEET = ("bom", "safe_cells")  # options of CSV only


def form_name(value: str) -> str:
    """`value` if it names a format. Raises `ValueError` with a fix."""
    if value not in FORMS:
        raise ValueError(f"must be one of {', '.join(FORMS)}")
    return value


def chosen_form(name: str, forms: Mapping[str, Form] = FORMS, **options: bool) -> Form:
    """The form of this name in `forms`, with options of `SPREADSHEET`. Raises `ValueError` with a fix."""
    chosen = {option: value for option, value in options.items() if value}
    if chosen and name != "csv":
        raise ValueError("can be used with the format csv only")
    return replace(forms[name], options=chosen)
