"""Drift: whether recent inputs are distributed as the training data was.

Each input is tested by a chi-squared test of homogeneity over the bins of the reference, the missing values included.
The p-values are corrected for the number of inputs (Benjamini, Hochberg). Many rows make any difference significant, so
an input counts as drifted only if its population stability index says that the difference is large enough to matter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

from ml_proxy.insight.reference import Input, Reference, reference, values
from ml_proxy.insight.sample import sample, short
from ml_proxy.insight.window import Window

ROWS = 2000  # of the sample, about
MIN_ROWS = 50  # fewer prove nothing
MAX_Q = 0.01  # the corrected p-value up to which a difference is no chance
MIN_PSI = 0.1  # "moderate" by the usual rule; "large" is 0.25
FEW = "There are fewer than {} readable inputs of this model in the period."


@dataclass(frozen=True)
class Compared:
    """One input: the counts of its bins in the log, how many values lie outside the training data, and the test."""

    input: Input
    counts: tuple[int, ...]
    outside: int
    p_value: float
    psi: float


def drift(window: Window) -> dict[str, Any]:
    """The JSON members of the answer; the input that drifted most comes first."""
    known = reference(window.model)
    window = replace(window, model=known.model_name or window.model)
    rows = _rows(window, known) if known.inputs else []
    is_enough = len(rows) >= MIN_ROWS
    reason = known.reason or ("" if is_enough else FEW.format(MIN_ROWS))
    columns = zip(known.inputs, zip(*rows, strict=True), strict=True) if is_enough else ()
    described = _described([compare(each, column) for each, column in columns])
    return {
        "since": window.since,
        "until": window.until,
        "model_name": known.model_name,
        "model_version": known.model_version,
        "reference_rows": known.rows,
        "sampled": len(rows),
        "reason": reason or None,
        "drifted": sum(each["drifted"] for each in described),
        "inputs": sorted(described, key=lambda each: -each["psi"]),
    }


def compare(known: Input, column: Sequence[Any]) -> Compared:
    """Compares the values of one input with its reference."""
    found = Counter(known.bin(value) for value in column)
    counts = tuple(found[number] for number in range(len(known.counts)))
    outside = sum(known.is_outside(value) for value in column)
    return Compared(known, counts, outside, _p_value(known.counts, counts), _psi(known.counts, counts))


def _rows(window: Window, known: Reference) -> list[list[Any]]:
    texts = (row.text for row in sample(window, short("input_data"), ROWS).rows)
    read = (values(text, known.inputs) for text in texts if text is not None)
    return [row for row in read if row is not None]


def _p_value(expected: Sequence[int], counts: Sequence[int]) -> float:
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - half a second, and only this answer needs it

    bins = [pair for pair in zip(expected, counts, strict=True) if any(pair)]
    if len(bins) < 2:
        return 1.0
    return float(chi2_contingency([list(row) for row in zip(*bins, strict=True)]).pvalue)


def _psi(expected: Sequence[int], counts: Sequence[int]) -> float:
    """The population stability index, with half a row added to each bin so that an empty one is finite."""
    bins = [(a + 0.5, b + 0.5) for a, b in zip(expected, counts, strict=True) if a or b]
    total_a, total_b = sum(a for a, _ in bins), sum(b for _, b in bins)
    return sum((b / total_b - a / total_a) * log((b / total_b) / (a / total_a)) for a, b in bins)


def _described(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    from scipy.stats import false_discovery_control  # noqa: PLC0415 - as above

    if not compared:
        return []
    corrected = false_discovery_control([each.p_value for each in compared])
    return [_describe(each, float(q)) for each, q in zip(compared, corrected, strict=True)]


def _describe(each: Compared, q_value: float) -> dict[str, Any]:
    return {
        "pointer": each.input.pointer,
        "psi": each.psi,
        "p_value": each.p_value,
        "q_value": q_value,
        "drifted": q_value <= MAX_Q and each.psi >= MIN_PSI,
        "outside": each.outside,
        "missing": each.counts[-1],
        "edges": list(each.input.edges),
        "categories": list(each.input.categories),
        "reference": list(each.input.counts),
        "observed": list(each.counts),
    }
