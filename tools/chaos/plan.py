"""The plan of a campaign. The same seed gives the same faults in the same order."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tools.chaos.fault import Fault
from tools.chaos.faults import FAULTS

PAIR_PROBABILITY = 0.3  # share of the injections with two faults
SECONDS = (0.5, 3.0)  # how long a fault lasts
PAUSES = (0.1, 0.8)  # seconds between two injections


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters of a campaign, which ends after `seconds` in any case."""

    seed: int = 1
    predictions: int = 10_000  # to be answered 2xx
    seconds: float = 900
    faults: int = 100
    database: str = "postgres"
    rate: float = 100  # predictions a second
    clients: int = 8
    bare: bool = False  # without a disk of its own for the journal, and without a clock that steps
    folder: Path = Path("var")  # for the result


@dataclass(frozen=True)
class Injection:
    """One fault or two at once, their duration, and the pause after the previous injection, in seconds."""

    faults: tuple[Fault, ...]
    seconds: float
    pause: float


def injections(plan: Plan, features: Collection[str]) -> list[Injection]:
    """Returns injections with the plan's number of faults, of those that need nothing else than these features."""
    rng = Random(plan.seed)  # noqa: S311 - no security purpose
    kinds = _fault_sequence(rng, [fault for fault in FAULTS.values() if fault.needs in {"", *features}])
    chosen = [next(kinds) for _ in range(plan.faults)]
    if plan.faults > 2:
        chosen[plan.faults // 2] = FAULTS["FLUSHALL"]
    found = []
    while chosen:
        size = 2 if rng.random() < PAIR_PROBABILITY and _can_coincide(chosen[:2]) else 1
        injected, chosen = tuple(chosen[:size]), chosen[size:]
        found.append(Injection(injected, rng.uniform(*SECONDS), rng.uniform(*PAUSES)))
    return found


def _fault_sequence(rng: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yields every fault once before any is repeated."""
    while True:
        yield from rng.sample(faults, len(faults))


def _can_coincide(faults: Sequence[Fault]) -> bool:
    return len({fault.target for fault in faults}) == 2
