"""`python -m tools.benchmarks.scale`: grows the log to five million rows and measures it at each size.

Exit status 1 if a must is missed or a query plan is wrong.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import Postgres
from tools.benchmarks import machine
from tools.benchmarks.results import Results
from tools.benchmarks.scale import database, report
from tools.exit_signals import exit_on_signals

STEPS = (10_000, 100_000, 1_000_000, 5_000_000)
FREE_BYTES_PER_ROW = 2500  # including the WAL while the log grows
SECTIONS = ("sizes", "pages", "gateway_cpu", "lists", "regular", "insert", "walks")


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=STEPS[-1], help="the largest size (%(default)s)")
    parser.add_argument("--executions", type=int, default=300, help="executions of each query (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="sections to measure (default: all)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder in which the database is kept, or found")
    parser.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        help="write docs/scaling.md (default: only a run to the last size does)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    arguments, started = options(argv), time.monotonic()
    with _folder(arguments.keep) as folder:
        if short := _disk_shortage(folder, arguments.rows):
            print(short, file=sys.stderr)
            return 1
        results = report.merged(
            folder / report.SAVED, Results(machine.describe(), {"executions": arguments.executions})
        )
        try:
            with database.running_database(folder) as postgres:
                measure(postgres, results, arguments)
        finally:
            results.save(folder / report.SAVED)
        results.notes.append(f"The run took {(time.monotonic() - started) / 60:.0f} min.")
        print("\n".join(["", *report.lines(results)]))
        if arguments.publish or (arguments.publish is None and arguments.rows >= STEPS[-1]):
            report.publish(results)
            print(f"written into {report.PAGE}")
    failures = report.failures(results)
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


def measure(postgres: Postgres, results: Results, arguments: argparse.Namespace) -> None:
    """Measures at each size that the log has not reached yet, or at its current size."""
    from django.core.management import call_command  # noqa: PLC0415 - needs django.setup()

    from tools.benchmarks.scale.sections import at_size, size_now  # noqa: PLC0415 - loads models

    call_command("migrate", verbosity=0)
    current = size_now()
    ahead = [step for step in STEPS if current < step < arguments.rows]
    for rows in [*([] if current else [0]), *ahead, max(arguments.rows, current)]:
        at_size(rows, postgres, results, arguments)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yields the folder to keep, or a temporary one that is removed at the end."""
    if kept:
        yield kept.absolute()
        return
    folder = Path(os.environ.get("VAR_DIR") or "var").absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="scale-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _rows(text: str) -> int:
    rows = int(text)
    if rows < STEPS[0] or rows % STEPS[0]:
        raise argparse.ArgumentTypeError(f"{rows} is not a multiple of {STEPS[0]}, the size of a step")
    return rows


def _disk_shortage(folder: Path, rows: int) -> str:
    """Returns an error text if the disk is too small; empty if not."""
    is_there = (folder / "postgres").exists()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, needed = shutil.disk_usage(place).free, 0 if is_there else rows * FREE_BYTES_PER_ROW
    gib = 2**30
    return f"{place} has {free / gib:.1f} GiB free; {needed / gib:.1f} GiB are needed" if free < needed else ""


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
