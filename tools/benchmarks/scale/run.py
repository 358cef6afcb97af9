"""What every section of this benchmark needs, and what it costs the server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import Postgres
from tools.benchmarks.cores import cpu_seconds
from tools.benchmarks.results import Cell, Measurement, Results


@dataclass(frozen=True)
class Run:
    """A log of `rows` rows; `executions` of each question are timed."""

    postgres: Postgres
    journal: Path
    results: Results
    rows: int
    executions: int

    def add(self, section: str, name: str, figures: Mapping[str, float], faults: Iterable[str] = ()) -> None:
        """Notes figures in the place of former ones of this size, and what is wrong where something is."""
        cell, kept = Cell(section, self.rows), self.results.measurements
        kept[:] = [item for item in kept if (item.cell, item.variant) != (cell, name)]
        kept.append(Measurement(cell, name, 0, figures, dict.fromkeys(sorted(faults), 1)))

    def server_seconds(self) -> float:
        """CPU that PostgreSQL has used so far, with processes that have ended."""
        processes = self.postgres.processes()
        ended = processes[0].cpu_times()
        return cpu_seconds(processes) + float(ended.children_user + ended.children_system)
