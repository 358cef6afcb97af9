"""`python -m tools.benchmarks.scale`: grows the log to five million rows and measures it at each size.

Exit status 1 when a must is missed, or a plan is not what it must be.
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
from tools.benchmarks.ending import end_on_signals
from tools.benchmarks.results import Results
from tools.benchmarks.scale import ground, report

STEPS = (10_000, 100_000, 1_000_000, 5_000_000)
FREE_BYTES_PER_ROW = 2500  # with what is written ahead while the log grows
SECTIONS = ("sizes", "pages", "door", "lists", "regular", "insert", "walks")


def options(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=STEPS[-1], help="the largest size (%(default)s)")
    parser.add_argument("--executions", type=int, default=300, help="of each question (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="what is measured; all of it else"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keeps the database there; one that is there is used")
    parser.add_argument(
        "--publish", action=argparse.BooleanOptionalAction, help="write docs/scaling.md; a run to the last size does"
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """The command's exit status."""
    asked, started = options(words), time.monotonic()
    with _folder(asked.keep) as folder:
        if short := _short_of_room(folder, asked.rows):
            print(short, file=sys.stderr)
            return 1
        results = report.merged(folder / report.SAVED, Results(machine.describe(), {"executions": asked.executions}))
        try:
            with ground.standing(folder) as postgres:
                measure(postgres, results, asked)
        finally:
            results.save(folder / report.SAVED)
        results.notes.append(f"The run took {(time.monotonic() - started) / 60:.0f} min.")
        print("\n".join(["", *report.lines(results)]))
        if asked.publish or (asked.publish is None and asked.rows >= STEPS[-1]):
            report.publish(results)
            print(f"written into {report.PAGE}")
    failures = report.failures(results)
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


def measure(postgres: Postgres, results: Results, asked: argparse.Namespace) -> None:
    """Each size that is still ahead; where the log is as large as asked for, that one."""
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now, not before

    from tools.benchmarks.scale.sections import at_size, size_now  # noqa: PLC0415 - it loads models

    call_command("migrate", verbosity=0)
    there = size_now()
    ahead = [step for step in STEPS if there < step < asked.rows]
    for rows in [*([] if there else [0]), *ahead, max(asked.rows, there)]:
        at_size(rows, postgres, results, asked)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """The one to keep, or one that is removed at the end."""
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
        raise argparse.ArgumentTypeError(f"{rows} is no multiple of {STEPS[0]}, by which the log grows")
    return rows


def _short_of_room(folder: Path, rows: int) -> str:
    """What to say where the disk is too small for what is not there yet."""
    is_there = (folder / "postgres").exists()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, needed = shutil.disk_usage(place).free, 0 if is_there else rows * FREE_BYTES_PER_ROW
    gib = 2**30
    return f"{place} has {free / gib:.1f} GiB left; {needed / gib:.1f} are needed" if free < needed else ""


if __name__ == "__main__":
    end_on_signals()
    sys.exit(main())
