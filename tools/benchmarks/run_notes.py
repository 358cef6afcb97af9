"""Notes on a run: the peers' versions, noise, failures, and the limits of the load generator."""

from collections.abc import Iterable

from tools.benchmarks.results import Results, percentile
from tools.benchmarks.sections import CLOSED, OPEN
from tools.benchmarks.testbed import REFERENCE
from tools.benchmarks.variants import Variant

NOISY = 0.05  # share of the web process' core that other processes used
SATURATED = 0.95
WAITED = (
    "Callers and model server had no priority (only root may give it). So latencies, p99 above all, include the time "
    "that they waited for workers and the database on their core."
)


def run_notes(results: Results, variants: Iterable[Variant], *, callers_run_first: bool) -> list[str]:
    """Returns one sentence per note."""
    lines = (
        _versions(variants),
        _noise(results),
        "" if callers_run_first else WAITED,
        _ceiling(results),
        _late(results),
    )
    return [line for line in lines if line] + [
        f"{name}: requests without a 2xx, by status or reason: {failed}."
        for name in results.variants(CLOSED)
        if (failed := results.failures(name))
    ]


def _versions(variants: Iterable[Variant]) -> str:
    found = [f"{variant.name} {variant.version}" for variant in variants if variant.version]
    return f"Peers: {', '.join(found)}." if found else ""


def _noise(results: Results) -> str:
    """Describes the CPU that other processes took from the web process' core."""
    shares = sorted(_figures(results, CLOSED, "foreign"))
    if not shares:
        return "Web process and callers shared all cores, because there was only one."
    typical, most = percentile(shares, 0.5), shares[-1]
    verdict = "**The machine was not quiet: take the figures as rough.** " if typical > NOISY else ""
    return f"{verdict}Other processes used {typical:.0%} of the web process' core (median), {most:.0%} at most."


def _ceiling(results: Results) -> str:
    rates = [max(results.by_round(cell, REFERENCE, "rate").values(), default=0) for cell in results.cells(CLOSED)]
    full = sorted(
        {
            item.variant
            for item in results.measurements
            if item.cell.section == CLOSED and item.variant != REFERENCE and item.figures["busy"] > SATURATED
        }
    )
    limited = (
        f" Their core was full at times with {', '.join(full)}, whose figures may therefore be too low." if full else ""
    )
    return f"Callers and model server alone, on one core: up to {max(rates, default=0):,.0f} requests/s.{limited}"


def _late(results: Results) -> str:
    late = [value for value in _figures(results, OPEN, "late_p99") if value]
    return f"Open loop: the load generator's own delay was up to {max(late):.1f} ms (p99)." if late else ""


def _figures(results: Results, section: str, figure: str) -> list[float]:
    return [
        item.figures[figure] for item in results.measurements if item.cell.section == section and figure in item.figures
    ]
