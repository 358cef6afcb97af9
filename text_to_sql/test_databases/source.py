"""Randomness and helpers that all generators share."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from faker import Faker

T = TypeVar("T")
Rows = dict[str, list[tuple[object, ...]]]  # by table, in the order in which they must be inserted


@dataclass(frozen=True)
class Source:
    """`rng` and `fake` are seeded; `today` is the day up to which events happen."""

    rng: random.Random
    fake: Faker
    today: dt.date

    def skewed(self, items: Sequence[T]) -> T:
        """An item; the first ones are far more frequent, as with real customers and products."""
        place = min(int(self.rng.paretovariate(1.1)) - 1, len(items) - 1) if self.rng.random() < 0.4 else None
        return items[self.rng.randrange(len(items)) if place is None else place]

    def day(self, days: int) -> dt.date:
        """A day of the last `days` days; recent ones are more frequent."""
        return self.today - dt.timedelta(days=int(days * self.rng.random() ** 1.5))

    def time(self, days: int) -> dt.datetime:
        """A time of the last `days` days, mostly in the day and the evening."""
        hour = min(int(self.rng.triangular(0, 24, 20)), 23)
        time = dt.time(hour, self.rng.randrange(60), self.rng.randrange(60))
        return dt.datetime.combine(self.day(days), time)

    def won(self, least: int, most: int, step: int = 100) -> int:
        """An amount in won; small ones are more frequent."""
        return round(least + (most - least) * self.rng.betavariate(1.2, 4)) // step * step


def source(seed: int, today: dt.date) -> Source:
    """A new source. Equal seeds and days give equal sources."""
    fake = Faker("ko_KR")
    fake.seed_instance(seed)
    return Source(random.Random(seed), fake, today)  # noqa: S311 - synthetic data
