"""The sections for one size of the log, in order: those that only read come first."""

from argparse import Namespace
from collections.abc import Callable

from django.db import connection
from tqdm import tqdm

from recording.publisher import journal_folder
from tests.support.postgres import Postgres
from tools.benchmarks.results import Results
from tools.benchmarks.scale import bulk_load, commands, gateway_cpu, inserts, pages
from tools.benchmarks.scale.run import Run

GROWTH = "growth"
SECTIONS: dict[str, Callable[[Run], None]] = {  # in order
    "sizes": inserts.sizes,
    "pages": pages.pages,
    "gateway_cpu": gateway_cpu.gateway_cpu,
    "lists": pages.lists,
    "regular": commands.regular,
    "insert": inserts.insert,
    "walks": commands.walks,
}


def size_now() -> int:
    """Returns the number of loaded rows."""
    return len(bulk_load.loaded_pieces()) * bulk_load.PIECE


def at_size(rows: int, postgres: Postgres, results: Results, arguments: Namespace) -> None:
    """Grows the log to `rows` and measures it. On an empty log it measures only the fixed cost of the commands."""
    journal = journal_folder()
    journal.mkdir(parents=True, exist_ok=True)
    rate = bulk_load.grow(rows, journal)
    run = Run(postgres, journal, results, rows, arguments.executions)
    tqdm.write(f"{size_now():,} rows")
    if rate:
        run.add(GROWTH, "by COPY on all cores", {"rows_per_s": rate})
    for name, section in SECTIONS.items():
        if name in arguments.only and (rows or name == "walks"):
            section(run)
    connection.close()
