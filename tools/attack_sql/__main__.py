"""`python -m tools.attack_sql`: attacks both walls on real databases; exit status 1 if anything got through."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tools.attack_sql.parts import CHUNK, part, set_up
from tools.exit_signals import exit_on_signals

DIALECTS, WALLS = ("sqlite", "postgres", "mysql"), ("guard", "database")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.attack_sql", description=__doc__)
    parser.add_argument("--statements", type=int, default=100_000, help="for each dialect and wall (100,000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same statements (1)")
    parser.add_argument("--dialects", nargs="+", choices=DIALECTS, default=DIALECTS)
    parser.add_argument("--walls", nargs="+", choices=WALLS, default=WALLS, help="the walls that stand, each alone")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--report", type=Path, help="write figures and findings as JSON to this file")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    options, report = arguments(argv), []
    with tempfile.TemporaryDirectory(prefix="attack-sql-") as folder:
        for dialect in options.dialects:
            with _place(dialect, Path(folder)) as place:
                for wall in options.walls:
                    report.append({"dialect": dialect, "wall": wall, **_figures(options, wall, place)})
                    print(_line(report[-1]), flush=True)
    if options.report:
        options.report.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return 1 if any(each["findings"] for each in report) else 0


def _figures(options: argparse.Namespace, wall: str, place: Any) -> dict[str, Any]:
    from tools.attack_sql.attack import Outcome  # noqa: PLC0415 - once Django is set up

    started, total = time.monotonic(), Outcome()
    chunks = range(-(-options.statements // CHUNK))
    with ProcessPoolExecutor(options.processes, get_context("spawn"), set_up) as pool:
        outcomes = pool.map(partial(part, place, wall, options.statements, options.seed), chunks)
        try:
            for outcome in tqdm(outcomes, f"{wall} wall", len(chunks), unit=f" x {CHUNK:,} statements"):
                total.add(outcome)
        finally:
            pool.shutdown(cancel_futures=True)  # all others, if a signal comes between two of them
    return {**asdict(total), "seconds": round(time.monotonic() - started)}


@contextmanager
def _place(dialect: str, folder: Path) -> Iterator[Any]:
    from tests.support.mariadb import MariaDB  # noqa: PLC0415 - as above
    from tests.support.postgres import Postgres  # noqa: PLC0415
    from tools.attack_sql import targets  # noqa: PLC0415

    if dialect == "sqlite":
        with targets.sqlite_place(folder) as place:
            yield place
    elif dialect == "postgres":
        with closing(Postgres(folder / "postgres")) as postgres, targets.postgres_place(postgres) as place:
            yield place
    else:
        with closing(MariaDB(folder / "mariadb")) as mariadb, targets.mariadb_place(mariadb) as place:
            yield place


def _line(figures: dict[str, Any]) -> str:
    words = (
        f"{figures['dialect']:<8} {figures['wall']:<8} alone: {figures['statements']:,} statements, "
        f"{figures['passed']:,} ran, {figures['answered']:,} answered, {figures['timed_out']:,} timed out; "
        f"slowest check {1000 * figures['slowest_check']:.0f} ms, slowest run {figures['slowest_run']:.1f} s; "
        f"{figures['seconds']} s; {len(figures['findings'])} findings"
    )
    return "\n".join([words, *(f"  {why}: {statement}" for why, statement in figures["findings"][:10])])


if __name__ == "__main__":
    exit_on_signals()
    set_up()
    sys.exit(main())
