"""What a campaign does, made from its seed alone: the same seed gives the same faults in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tools.chaos.fault import Fault
from tools.chaos.faults import FAULTS

PAIRS = 0.3  # of the strikes
SECONDS = (0.5, 3.0)  # how long a fault lasts
PAUSES = (0.1, 0.8)  # seconds between two strikes


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much of what. Ends after `seconds` even where less has happened."""

    seed: int = 1
    predictions: int = 10_000  # to be answered 2xx
    seconds: float = 900
    faults: int = 50
    database: str = "postgres"
    rate: float = 100  # predictions a second
    clients: int = 8
    folder: Path = Path("var")  # for the result


@dataclass(frozen=True)
class Strike:
    """One fault, or a pair at the same moment, how long they last, and the pause behind them, in seconds."""

    faults: tuple[Fault, ...]
    seconds: float
    pause: float


def strikes(plan: Plan) -> list[Strike]:
    """As many as hold the plan's number of faults."""
    dice = Random(plan.seed)  # noqa: S311 - nobody shall be kept from guessing
    kinds = _kinds(dice, [fault for fault in FAULTS.values() if fault.needs in {"", plan.database}])
    chosen = [next(kinds) for _ in range(plan.faults)]
    if plan.faults > 2:
        chosen[plan.faults // 2] = FAULTS["FLUSHALL"]
    found = []
    while chosen:
        size = 2 if dice.random() < PAIRS and _fit(chosen[:2]) else 1
        struck, chosen = tuple(chosen[:size]), chosen[size:]
        found.append(Strike(struck, dice.uniform(*SECONDS), dice.uniform(*PAUSES)))
    return found


def _kinds(dice: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Every kind once before any comes again."""
    while True:
        yield from dice.sample(faults, len(faults))


def _fit(faults: Sequence[Fault]) -> bool:
    return len({fault.target for fault in faults}) == 2
