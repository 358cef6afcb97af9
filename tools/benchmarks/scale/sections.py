"""All that is measured of one size of the log, in order: what only reads comes before what writes."""

from argparse import Namespace
from collections.abc import Callable

from django.db import connection
from tqdm import tqdm

from recording.publisher import journal_folder
from tests.support.postgres import Postgres
from tools.benchmarks.results import Results
from tools.benchmarks.scale import commands, door, growing, pages, writing
from tools.benchmarks.scale.run import Run

GROWTH = "growth"
SECTIONS: dict[str, Callable[[Run], None]] = {  # in order
    "sizes": writing.sizes,
    "pages": pages.pages,
    "door": door.door,
    "lists": pages.lists,
    "regular": commands.regular,
    "insert": writing.insert,
    "walks": commands.walks,
}


def size_now() -> int:
    """How many rows were grown."""
    return len(growing.grown()) * growing.PIECE


def at_size(rows: int, postgres: Postgres, results: Results, asked: Namespace) -> None:
    """Grows the log to `rows`, and measures. Of an empty log: what commands cost before they look at a row."""
    journal = journal_folder()
    journal.mkdir(parents=True, exist_ok=True)
    rate = growing.grow(rows, journal)
    run = Run(postgres, journal, results, rows, asked.executions)
    tqdm.write(f"{size_now():,} rows")
    if rate:
        run.add(GROWTH, "by COPY in all cores", {"rows_per_s": rate})
    for name, section in SECTIONS.items():
        if name in asked.only and (rows or name == "walks"):
            section(run)
    connection.close()
