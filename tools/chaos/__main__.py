"""`python -m tools.chaos`: runs a campaign, prints and saves what it found; exit status 1 unless all of it was kept."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tools.chaos.campaign import Campaign
from tools.chaos.databases import open_database
from tools.chaos.plan import Plan
from tools.chaos.report import Report
from tools.chaos.stage import Stage


def options(words: list[str] | None = None) -> Plan:
    """The command line as a plan."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"), help="of the faults")
    parser.add_argument("--predictions", type=int, default=Plan.predictions, help="to be answered 2xx")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="after which it ends in any case")
    parser.add_argument("--faults", type=int, default=Plan.faults, help="how many strike")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default=Plan.database)
    parser.add_argument("--rate", type=float, default=Plan.rate, help="predictions a second")
    parser.add_argument("--clients", type=int, default=Plan.clients, help="threads that ask")
    folder = Path(os.environ.get("VAR_DIR") or "var")
    parser.add_argument("--folder", type=Path, default=folder, help="where chaos-SEED.json goes")
    return Plan(**vars(parser.parse_args(words)))


def campaign(plan: Plan) -> Report:
    """Runs a campaign on a stage of its own; what that leaves behind is kept only where something is wrong."""
    state = Path(tempfile.mkdtemp(prefix="ml-proxy-chaos-"))
    with closing(open_database(plan.database, state)) as database, closing(Stage(state, database)) as stage:
        stage.start()
        report = Campaign(plan, stage).run()
    if report.is_whole:
        shutil.rmtree(state)
    else:
        print(f"logs, journal and database are kept in {state}")
    return report


def main(words: list[str] | None = None) -> int:
    """The command's exit status."""
    plan = options(words)
    print(f"seed {plan.seed}: {plan.faults} faults, {plan.predictions} predictions on {plan.database}", flush=True)
    report = campaign(plan)
    print("\n".join(report.lines()))
    print(f"saved as {report.save(plan.folder)}")
    if not report.is_complete:
        print(f"too short: {report.answered} of {report.planned} were answered in {report.seconds:.0f} s (--seconds)")
    return 0 if report.is_whole and report.is_complete else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # through all that is to be closed
    sys.exit(main())
