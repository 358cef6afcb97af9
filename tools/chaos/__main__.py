"""`python -m tools.chaos`: runs a campaign, prints and saves its report; exit status 1 if an answer was lost."""

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tools.chaos.campaign import Campaign
from tools.chaos.databases import open_database
from tools.chaos.plan import Plan
from tools.chaos.report import Report
from tools.chaos.testbed import Testbed
from tools.exit_signals import exit_on_signals


def options(argv: list[str] | None = None) -> Plan:
    """Parses the command line into a plan."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"), help="seed of the faults")
    parser.add_argument("--predictions", type=int, default=Plan.predictions, help="answers 2xx until it may end")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="time limit")
    parser.add_argument("--faults", type=int, default=Plan.faults, help="number of faults")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default=Plan.database)
    parser.add_argument("--rate", type=float, default=Plan.rate, help="predictions a second")
    parser.add_argument("--clients", type=int, default=Plan.clients, help="client threads")
    parser.add_argument("--bare", action="store_true", help="no disk of its own for the journal, no clock that steps")
    folder = Path(os.environ.get("VAR_DIR") or "var")
    parser.add_argument("--folder", type=Path, default=folder, help="folder for chaos-SEED.json")
    return Plan(**vars(parser.parse_args(argv)))


def campaign(plan: Plan) -> Report:
    """Runs a campaign on a new testbed. The testbed's folder is kept only if something is wrong."""
    state = Path(tempfile.mkdtemp(prefix="ml-proxy-chaos-"))
    with closing(open_database(plan.database, state)) as database, closing(Testbed(state, database)) as testbed:
        if not plan.bare:
            testbed.equip()
        for need, reason in testbed.left_out.items():
            print(f"faults that need a {need} are left out: {reason}", flush=True)
        testbed.start()
        report = Campaign(plan, testbed).run()
    if report.is_whole:
        shutil.rmtree(state)
    else:
        print(f"logs, journal and database are kept in {state}")
    return report


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    plan = options(argv)
    print(f"seed {plan.seed}: {plan.faults} faults, {plan.predictions} predictions on {plan.database}", flush=True)
    report = campaign(plan)
    print("\n".join(report.lines()))
    print(f"saved as {report.save(plan.folder)}")
    if not report.is_complete:
        print(
            f"too short: {report.answered} of {report.planned} were answered in {report.seconds:.0f} s (see --seconds)"
        )
    return 0 if report.is_whole and report.is_complete else 1


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
