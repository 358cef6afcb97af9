"""Sets of an origin's numbers, such as those that are settled. A few ranges hold millions of numbers."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_NUMBER = 2**63 - 1
_TEXT = re.compile(r"(?:\d{1,19}-\d{1,19}(?:,\d{1,19}-\d{1,19})*)?")


class Range(NamedTuple):
    """The numbers from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.last - self.first + 1


class NumberSet:
    """An immutable set of numbers. Its text is its ranges in order, such as `1-5000,5201-5400`."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        merged: list[Range] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1].last + 1:
                merged[-1] = Range(merged[-1].first, max(merged[-1].last, last))
            else:
                merged.append(Range(first, last))
        self.ranges = tuple(merged)

    @classmethod
    def parse(cls, text: str) -> "NumberSet":
        """The set with this text. Raises `ValueError`."""
        if not _TEXT.fullmatch(text):
            raise ValueError("these are not ranges of numbers")
        found = cls(tuple(map(int, part.split("-"))) for part in text.split(",") if part)  # type: ignore[misc] # pairs
        if str(found) != text or any(not 0 < each.first <= each.last <= MAX_NUMBER for each in found.ranges):
            raise ValueError("these ranges are not in order, or not those of numbers from 1 on")
        return found

    def __str__(self) -> str:
        return ",".join(f"{first}-{last}" for first, last in self.ranges)

    def __repr__(self) -> str:
        return f"NumberSet({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __len__(self) -> int:
        return sum(each.size for each in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __iter__(self) -> Iterator[int]:
        return (number for first, last in self.ranges for number in range(first, last + 1))

    def __contains__(self, number: object) -> bool:
        return any(first <= number <= last for first, last in self.ranges)  # type: ignore[operator] # an int

    def __or__(self, other: "NumberSet") -> "NumberSet":
        return NumberSet((*self.ranges, *other.ranges))

    def __sub__(self, other: "NumberSet") -> "NumberSet":
        left = list(self.ranges)
        for first, last in other.ranges:
            left = [
                part
                for each in left
                for part in (Range(each.first, min(each.last, first - 1)), Range(max(each.first, last + 1), each.last))
                if part.first <= part.last
            ]
        return NumberSet(left)

    def __and__(self, other: "NumberSet") -> "NumberSet":
        return self - (self - other)

    @property
    def highest(self) -> int:
        """The highest number; 0 for none."""
        return self.ranges[-1].last if self.ranges else 0


def between(first: int, last: int) -> NumberSet:
    """The numbers from `first` to `last`; empty if `last` is lower."""
    return NumberSet([(first, last)] if first <= last else [])
