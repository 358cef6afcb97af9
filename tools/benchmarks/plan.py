"""The parameters of a run: rounds, durations, rates."""

from dataclasses import dataclass

CONNECTIONS = (1, 8, 32)
RATES = (100, 250, 500)  # requests a second


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Durations are in seconds. A round measures each variant once, in turn."""

    closed_rounds: int = 3
    closed_slow_rounds: int = 2  # with a model that takes `slow_ms`
    closed_seconds: float = 1.8
    warm_seconds: float = 0.4
    slow_ms: int = 20
    open_rounds: int = 2
    open_seconds: float = 3.0
    end_to_end_rounds: int = 2
    end_to_end_seconds: float = 6.0
    drain_rounds: int = 2
    drain_records: int = 30_000  # of the gateway's backlog
    drain_tasks: int = 1_500  # of the naive one
    freeze_rounds: int = 2
    freeze_seconds: float = 5.0
    freeze_rate: float = 250.0
    freeze_naive: bool = True  # once, to show the benefit of the journal
    soak: int = 0  # predictions of the soak test

    @classmethod
    def quick(cls) -> "Plan":
        """Returns a short plan, which shows that everything works; its figures are rough."""
        return cls(
            closed_rounds=1,
            closed_slow_rounds=1,
            closed_seconds=0.8,
            warm_seconds=0.2,
            open_rounds=1,
            open_seconds=1.0,
            end_to_end_rounds=1,
            end_to_end_seconds=2.0,
            drain_rounds=1,
            drain_records=10_000,
            drain_tasks=400,
            freeze_rounds=1,
            freeze_naive=False,
        )
