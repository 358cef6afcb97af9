"""`python -m tools.benchmarks.profiler`, as docs/performance.md names it."""

import subprocess
import sys

from tests.support.system import ROOT


def test_it_shows_where_a_predictions_time_goes() -> None:
    command = [sys.executable, "-m", "tools.benchmarks.profiler", "--count", "30", "--rows", "200"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "µs per request, CPU time" in shown
    calls = [line.split()[0] for line in shown.splitlines() if line.endswith("(predict_view)")]
    assert calls == ["30", "30"]  # once sorted by own time, once by cumulative time
