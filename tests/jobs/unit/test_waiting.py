"""`Prefer: wait=N`."""

import pytest

from jobs.waiting import preferred


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", 0),
        ("wait=7", 7),
        ("respond-async, Wait = 8", 8),
        ('wait="9"', 9),
        ("wait=600", 60),
        ("wait=5;x=1", 5),
        ("wait", 0),
        ("wait=-1", 0),
        ("wait=1e9", 0),
        ("await=3", 0),
    ],
)
def test_it_reads_the_seconds(prefer: str, seconds: int) -> None:
    assert preferred(prefer) == seconds
