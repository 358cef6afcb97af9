"""Limits of a page, in rows and bytes."""

from collections.abc import Sequence

PAGE_BYTES = 8 * 1024 * 1024  # a page ends before it is larger
ROW_BYTES = 1024  # of a row without its texts
MAX_ROWS = 1000


def fitting(sizes: Sequence[int]) -> int:
    """The number of rows with these sizes (bytes of text) that fit a page; at least 1 if there are rows."""
    total = 0
    for count, size in enumerate(sizes):
        total += size + ROW_BYTES
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(sizes)
