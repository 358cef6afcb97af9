"""`python -m tools.benchmarks.scale.partitions`: runs the SQL of docs/scaling.md, and checks the product with it.

It checks that worker, history and `verify_log` work as before, measures a page with several numbers of partitions, and
checks what `verify_log` reports about a detached month.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tools.benchmarks import machine
from tools.benchmarks.results import Results
from tools.benchmarks.scale import database, report
from tools.exit_signals import exit_on_signals

ROWS = 300_000
FUNCTION, ONCE, MONTH, DETACH, ATTACH = (
    "once: the lowest",
    "once: the existing",
    "each month",
    "archive a month",
    "restore a month",
)


def main() -> int:
    """Returns the exit status: 1 if something is not as docs/scaling.md says."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.scale.partitions", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="number of rows, spread over five years (%(default)s)")
    arguments = parser.parse_args()
    results = Results(machine.describe(), {"rows": arguments.rows})
    with tempfile.TemporaryDirectory() as folder, database.running_database(Path(folder)) as postgres:
        from tools.benchmarks.scale.partition_checks import CheckFailed, check_partitions  # noqa: PLC0415 - Django is set up by now, not before

        try:
            check_partitions(postgres, results, arguments.rows, statements(report.PAGE.read_text()))
        except CheckFailed as exc:
            print(f"not as {report.PAGE.name} says: {exc}", file=sys.stderr)
            return 1
    report.publish_partitions(results)
    print(f"written into {report.PAGE}")
    return 0


def statements(page: str) -> dict[str, str]:
    """Returns the page's SQL by the beginning of the comment above it."""
    text = "\n".join(re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    pieces = re.split(r"^-- ", text, flags=re.MULTILINE)
    return {
        name: f"-- {piece}"
        for name in (FUNCTION, ONCE, MONTH, DETACH, ATTACH)
        for piece in pieces
        if piece.startswith(name)
    }


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
