import math

from tools.launch.restarts import LONGEST_DELAY_SECONDS, STEADY_SECONDS, Part


def test_it_waits_longer_each_time_up_to_a_bound() -> None:
    part = Part(["x"])
    assert [part.record_exit(age=1) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_it_still_starts_again_after_a_day_of_failures() -> None:
    part = Part(["x"], failures=100_000)
    assert part.record_exit(age=0) == LONGEST_DELAY_SECONDS


def test_the_delay_is_short_again_after_a_steady_run() -> None:
    part = Part(["x"], failures=9)
    assert part.record_exit(age=STEADY_SECONDS) == 0.5


def test_it_is_due_once() -> None:
    part = Part(["x"], due=0)
    assert part.take_due()
    assert not part.take_due()
    assert part.due == math.inf
