"""Bounds of a page: so many rows, and so many bytes."""

from collections.abc import Sequence

PAGE_BYTES = 8 * 1024 * 1024  # before which a page ends early
ROW_BYTES = 1024  # what a row takes beside its texts
MAX_ROWS = 1000


def fitting(sizes: Sequence[int]) -> int:
    """How many rows of these sizes (bytes of text) a page takes: one at least, where there is one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size + ROW_BYTES
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(sizes)
