"""`python -m tools.benchmarks`: measures every variant in one run; status 1 unless the gateway kept every answer."""

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
from tools.benchmarks.ending import end_on_signals
from tools.benchmarks.goals import GATEWAY
from tools.benchmarks.plan import Plan
from tools.benchmarks.remarks import remarks
from tools.benchmarks.results import Cell, Results
from tools.benchmarks.sections import Run
from tools.benchmarks.stage import REFERENCE, Stage

SECTIONS = (
    sections.closed_loop,
    sections.come_together,
    sections.open_loop,
    log_sections.end_to_end,
    log_sections.frozen_redis,
    log_sections.soak,
    log_sections.drain,
    log_sections.account,
)


def options(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under three minutes, rough")
    parser.add_argument("--only", type=_names, default=_default(), metavar="NAME,NAME", help=", ".join(CATALOGUE))
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="predictions, to see if memory grows")
    parser.add_argument(
        "--publish", action=argparse.BooleanOptionalAction, help="write docs/performance.md; a full run does"
    )
    return parser.parse_args(words)


def run(names: list[str], plan: Plan, folder: Path) -> Results:
    """Measures; what the processes leave behind is removed."""
    results = Results(machine.describe(), dataclasses.asdict(plan))
    state = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    try:
        with closing(Stage(state, folder / "environments")) as stage:
            stage.start(names)
            for section in SECTIONS:
                section(Run(stage, plan, results))
            results.missing.update(stage.missing)
            results.notes.extend(remarks(results, stage.variants.values()))
    finally:
        shutil.rmtree(state, ignore_errors=True)
    return results


def is_kept(results: Results) -> bool:
    """Whether the gateway was measured to the end, and has one row for each answer, in a log that verifies.

    A request whose caller had no answer may have a row too.
    """
    cell = Cell(log_sections.ACCOUNT)
    missing, untold, verified = (
        results.by_round(cell, GATEWAY, figure).get(0, math.nan) for figure in ("missing", "untold", "verified")
    )
    return GATEWAY not in results.missing and -untold <= missing <= 0 and verified == 1


def main(words: list[str] | None = None) -> int:
    """The command's exit status."""
    asked = options(words)
    started = time.monotonic()
    folder = Path(os.environ.get("VAR_DIR") or "var").absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    plan = dataclasses.replace(Plan.quick() if asked.quick else Plan(), soak=asked.soak)
    results = run(asked.only, plan, folder)
    results.notes.append(f"The run took {(time.monotonic() - started) / 60:.1f} min.")
    print("\n".join(["", *page.lines(results, with_plots=False)]))
    path = folder / f"results-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    results.save(path)
    print(f"saved as {path}")
    is_full = not asked.quick and asked.only == _default()
    if asked.publish or (asked.publish is None and is_full):
        page.publish(results)
        print(f"written into {page.PAGE}")
    return 0 if GATEWAY not in asked.only or is_kept(results) else 1


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CATALOGUE:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(CATALOGUE)}")
    return list(dict.fromkeys([REFERENCE, *names]))


def _default() -> list[str]:
    return [name for name in CATALOGUE if name not in ON_REQUEST]


if __name__ == "__main__":
    end_on_signals()
    sys.exit(main())
