"""`python -m tools.benchmarks.scale.partitions`: runs the SQL of docs/scaling.md, and what the product does upon it.

Three things are to be seen: that worker, history and `verify_log` go on as before, what a page costs in how many
partitions, and what `verify_log` says of a month that was detached.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tools.benchmarks import machine
from tools.benchmarks.results import Results
from tools.benchmarks.scale import ground, report

ROWS = 300_000
BORDER, ONCE, MONTH, GOES, BACK = "once: the lowest", "once: all", "each month", "a month goes", "a month comes back"


def main() -> int:
    """The command's exit status: 1 when something is not as docs/scaling.md says."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.scale.partitions", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="spread over five years (%(default)s)")
    asked = parser.parse_args()
    results = Results(machine.describe(), {"rows": asked.rows})
    with tempfile.TemporaryDirectory() as folder, ground.standing(Path(folder)) as postgres:
        from tools.benchmarks.scale.dividing import NotAsSaid, divide  # noqa: PLC0415 - Django is set up by now, not before

        try:
            divide(postgres, results, asked.rows, statements(report.PAGE.read_text()))
        except NotAsSaid as exc:
            print(f"not as {report.PAGE.name} says: {exc}", file=sys.stderr)
            return 1
    report.publish_divided(results)
    print(f"written into {report.PAGE}")
    return 0


def statements(page: str) -> dict[str, str]:
    """The page's SQL, by how the comment before it begins."""
    text = "\n".join(re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    pieces = re.split(r"^-- ", text, flags=re.MULTILINE)
    return {
        name: f"-- {piece}" for name in (BORDER, ONCE, MONTH, GOES, BACK) for piece in pieces if piece.startswith(name)
    }


if __name__ == "__main__":
    sys.exit(main())
