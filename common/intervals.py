"""Intervals of shares."""

import math

Z = 1.96  # of the normal distribution, for 95 %


def wilson(right: int, every: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score; all of it without any observation."""
    if not every:
        return 0.0, 1.0
    share, square = right / every, Z * Z / every
    middle = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / every + square / (4 * every)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
