"""`python -m tools.benchmarks`: measures all variants in one run; exit status 1 unless each answer has its row."""

import argparse
import dataclasses
import math
import os
import shutil
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tools.benchmarks import log_sections, machine, page, sections
from tools.benchmarks.catalogue import CATALOGUE, ON_REQUEST
from tools.benchmarks.goals import GATEWAY
from tools.benchmarks.plan import Plan
from tools.benchmarks.results import Cell, Results
from tools.benchmarks.run_notes import run_notes
from tools.benchmarks.sections import Run
from tools.benchmarks.testbed import REFERENCE, Testbed
from tools.exit_signals import exit_on_signals

SECTIONS = (
    sections.closed_loop,
    sections.start_workers,
    sections.open_loop,
    log_sections.end_to_end,
    log_sections.frozen_redis,
    log_sections.soak,
    log_sections.drain,
    log_sections.account,
)


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about three minutes, rough")
    parser.add_argument("--only", type=_names, default=_default(), metavar="NAME,NAME", help=", ".join(CATALOGUE))
    parser.add_argument(
        "--soak",
        type=int,
        default=0,
        metavar="N",
        help="number of predictions of a soak test, which shows whether memory grows",
    )
    parser.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        help="write docs/performance.md (default: only a full run does)",
    )
    return parser.parse_args(argv)


def run(names: list[str], plan: Plan, folder: Path) -> Results:
    """Runs all sections and returns the results. The processes' files are removed."""
    results = Results(machine.describe(), dataclasses.asdict(plan))
    state = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    try:
        with closing(Testbed(state, folder / "environments")) as testbed:
            testbed.start(names)
            for section in SECTIONS:
                section(Run(testbed, plan, results))
            results.missing.update(testbed.missing)
            variants, first = testbed.variants.values(), testbed.callers_run_first
            results.notes.extend(run_notes(results, variants, callers_run_first=first))
    finally:
        shutil.rmtree(state, ignore_errors=True)
    return results


def is_log_complete(results: Results) -> bool:
    """Whether the gateway was measured to the end and has one row for each answer, in a log that verifies.

    A request whose caller got no answer may have a row, too.
    """
    cell = Cell(log_sections.ACCOUNT)
    missing, unanswered, verified = (
        results.by_round(cell, GATEWAY, figure).get(0, math.nan) for figure in ("missing", "unanswered", "verified")
    )
    return GATEWAY not in results.missing and -unanswered <= missing <= 0 and verified == 1


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    arguments = options(argv)
    started = time.monotonic()
    folder = Path(os.environ.get("VAR_DIR") or "var").absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    plan = dataclasses.replace(Plan.quick() if arguments.quick else Plan(), soak=arguments.soak)
    results = run(arguments.only, plan, folder)
    results.notes.append(f"The run took {(time.monotonic() - started) / 60:.1f} min.")
    print("\n".join(["", *page.lines(results, with_plots=False)]))
    path = folder / f"results-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    results.save(path)
    print(f"saved as {path}")
    is_full = not arguments.quick and arguments.only == _default()
    if arguments.publish or (arguments.publish is None and is_full):
        page.publish(results)
        print(f"written into {page.PAGE}")
    return 0 if GATEWAY not in arguments.only or is_log_complete(results) else 1


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CATALOGUE:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(CATALOGUE)}")
    return list(dict.fromkeys([REFERENCE, *names]))


def _default() -> list[str]:
    return [name for name in CATALOGUE if name not in ON_REQUEST]


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
