"""Everything that the record sources have about a person, as files in a folder."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from common.keyset import CHUNK_ROWS
from common.paging import MAX_ROWS
from common.responses import as_json
from common.row_scope import EVERYTHING
from recording import sources
from recording.history import History
from recording.sources import RecordSource


@dataclass
class Exported:
    """What was written of one source: rows and files, and what could not be written."""

    rows: int = 0
    files: int = 0
    faults: list[str] = field(default_factory=list)


def export(folder: Path, people: Mapping[str, str], noted: Callable[[int], None]) -> dict[str, Exported]:
    """Writes each source's rows about the people (by filter: `patient`, `doctor`) as NDJSON, and their files.

    `noted` is called with a number of rows before these are written. Raises `Unavailable`,
    Django's database errors or `OSError`.
    """
    done: dict[str, Exported] = {}
    for source in sources.registered():
        pages = _pages(source, people)
        done[source.name] = _write_source(folder, source, pages, noted)
    return done


def _pages(source: RecordSource, people: Mapping[str, str]) -> Iterator[list[Any]]:
    """The rows about the people: what the source's filters find, or what belongs to such rows of another source."""
    if people.keys() <= source.filters.keys():
        history = History(source)
        yield from history.pages(history.filter(scope=EVERYTHING, limit=MAX_ROWS, **dict[str, Any](people)))
        return
    for other in sources.registered():
        if other is not source and people.keys() <= other.filters.keys():
            yield from _dependents(source, other, people)


def _dependents(source: RecordSource, other: RecordSource, people: Mapping[str, str]) -> Iterator[list[Any]]:
    """Rows of `source` that are erased with the rows of `other`: verdicts belong to their inference."""
    row = History(source).row
    for rows in _chunks(other, people):
        found = [each.pk for its_source, those in other.belonging(rows) if its_source is source for each in those]
        if found:
            yield [row._make(columns) for columns in source.rows.filter(pk__in=found).values_list(*row._fields)]


def _chunks(source: RecordSource, people: Mapping[str, str]) -> Iterator[list[Any]]:
    rows = source.matching(people).order_by("pk").only("pk")
    chunk = list(rows[:CHUNK_ROWS])
    while chunk:
        yield chunk
        chunk = list(rows.filter(pk__gt=chunk[-1].pk)[:CHUNK_ROWS])


def _write_source(
    folder: Path, source: RecordSource, pages: Iterator[list[Any]], noted: Callable[[int], None]
) -> Exported:
    done = Exported()
    with (folder / f"{source.name}.ndjson").open("wb") as file:
        for rows in pages:
            noted(len(rows))
            done.rows += _write_rows(file, rows)
            for name, content in source.files_of([row.id for row in rows], done.faults):
                _write_file(folder / "files" / name, content)
                done.files += 1
        file.flush()
        os.fsync(file.fileno())
    return done


def _write_rows(file: IO[bytes], rows: list[Any]) -> int:
    for row in rows:
        file.write(as_json(row.described()).replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
    return len(rows)


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
