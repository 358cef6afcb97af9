"""The arguments of every section of this benchmark, and the server's CPU time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import Postgres
from tools.benchmarks.resources import cpu_seconds
from tools.benchmarks.results import Cell, Measurement, Results


@dataclass(frozen=True)
class Run:
    """A log of `rows` rows; each query is timed `executions` times."""

    postgres: Postgres
    journal: Path
    results: Results
    rows: int
    executions: int

    def add(self, section: str, name: str, figures: Mapping[str, float], faults: Iterable[str] = ()) -> None:
        """Adds figures and faults. Replaces earlier figures of the same name and size."""
        cell, kept = Cell(section, self.rows), self.results.measurements
        kept[:] = [item for item in kept if (item.cell, item.variant) != (cell, name)]
        kept.append(Measurement(cell, name, 0, figures, dict.fromkeys(sorted(faults), 1)))

    def server_seconds(self) -> float:
        """Returns PostgreSQL's CPU seconds so far, including ended processes."""
        processes = self.postgres.processes()
        ended = processes[0].cpu_times()
        return cpu_seconds(processes) + float(ended.children_user + ended.children_system)
