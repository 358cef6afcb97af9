"""Look-ups of credentials: shared, bounded in number and time."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.lookups import Lookups, Overloaded, TookTooLong
from tests.support.wait import until

pytestmark = pytest.mark.any_database

SHORT = 0.4  # seconds; a busy machine starts a thread in a fraction of it


class Slow:
    """A look-up that goes on when the test lets it."""

    def __init__(self) -> None:
        self.began = 0
        self.began_at = math.inf  # time.monotonic() seconds
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.began += 1
        self.began_at = time.monotonic()
        assert self.may_end.wait(60)
        return "found"


@pytest.fixture
def slow() -> Iterator[Slow]:
    look_up = Slow()
    yield look_up
    look_up.may_end.set()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def lookups(*, threads: int = 1, callers: int = 8, seconds: float = 60.0, patience: float = 0.0) -> Lookups[str]:
    return Lookups("test", threads=threads, callers=callers, seconds=seconds, patience=patience)


def fail() -> str:
    raise ValueError("broken")


def test_it_returns_what_was_found() -> None:
    assert lookups().ask("key", lambda: "found") == "found"


def test_its_caller_gets_the_error() -> None:
    asked = lookups()
    with pytest.raises(ValueError, match="broken"):
        asked.ask("key", fail)
    assert asked.ask("key", lambda: "found") == "found"


def test_callers_that_ask_the_same_share_one(slow: Slow, callers: ThreadPoolExecutor) -> None:
    asked = lookups(threads=4)
    results = [callers.submit(asked.ask, "key", slow) for _ in range(8)]
    until(lambda: asked._callers == 8)
    slow.may_end.set()
    assert [result.result() for result in results] == ["found"] * 8
    assert slow.began == 1


def test_only_so_many_run_at_a_time(slow: Slow, callers: ThreadPoolExecutor) -> None:
    asked = lookups(threads=2)
    results = [callers.submit(asked.ask, number, slow) for number in range(6)]
    until(lambda: asked._callers == 6 and slow.began == 2)
    slow.may_end.set()
    assert [result.result() for result in results] == ["found"] * 6
    assert slow.began == 6


def test_a_caller_waits_until_the_deadline_only(slow: Slow) -> None:
    with pytest.raises(TookTooLong):
        lookups(seconds=SHORT).ask("key", slow)


@pytest.mark.parametrize("key", ["the same", "another"])
def test_nobody_waits_for_one_that_hangs(slow: Slow, key: str) -> None:
    asked = lookups(seconds=1.0)
    with pytest.raises(TookTooLong):
        asked.ask("the same", slow)
    until(lambda: time.monotonic() - slow.began_at > 1.0, what="a look-up that has run for too long")
    begun = time.monotonic()
    with pytest.raises(TookTooLong):
        asked.ask(key, lambda: "found")
    assert time.monotonic() - begun < 1.0


def test_a_queue_that_goes_on_is_no_look_up_that_hangs(callers: ThreadPoolExecutor) -> None:
    """As when many passwords are checked: each check ends, but the last callers' deadlines come first."""
    asked = lookups(callers=16, seconds=1.0)
    results = [callers.submit(asked.ask, number, lambda: str(threading.Event().wait(0.2))) for number in range(16)]
    errors = [type(error) for result in results if (error := result.exception())]
    assert errors
    assert set(errors) == {Overloaded}


def test_a_queue_behind_one_that_hangs_took_too_long(slow: Slow, callers: ThreadPoolExecutor) -> None:
    asked = lookups(seconds=1.0)
    results = [callers.submit(asked.ask, number, slow) for number in range(8)]
    assert {type(result.exception()) for result in results} == {TookTooLong}
    assert slow.began == 1


def test_others_are_looked_up_while_one_hangs(slow: Slow) -> None:
    asked = lookups(threads=2, seconds=SHORT)
    with pytest.raises(TookTooLong):
        asked.ask("hangs", slow)
    assert asked.ask("another", lambda: "found") == "found"


def test_it_goes_on_when_the_one_that_hung_ends(slow: Slow) -> None:
    asked = lookups(seconds=SHORT)
    with pytest.raises(TookTooLong):
        asked.ask("key", slow)
    slow.may_end.set()
    until(lambda: not asked._began)
    assert asked.ask("key", lambda: "found") == "found"


@pytest.mark.parametrize("patience", [0.0, SHORT])
def test_more_callers_do_not_wait(slow: Slow, callers: ThreadPoolExecutor, patience: float) -> None:
    asked = lookups(callers=2, patience=patience)
    waiting = [callers.submit(asked.ask, number, slow) for number in range(2)]
    until(lambda: asked._callers == 2)
    with pytest.raises(Overloaded):
        asked.ask("one more", lambda: "found")
    slow.may_end.set()
    assert [each.result() for each in waiting] == ["found"] * 2


def test_more_callers_wait_for_a_moment_if_that_is_enough(callers: ThreadPoolExecutor) -> None:
    asked = lookups(callers=1, patience=60.0)
    results = callers.map(lambda number: asked.ask(number % 2, lambda: "found"), range(64))
    assert [*results] == ["found"] * 64


@pytest.fixture
def ends_soon(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    monkeypatch.setattr("accounts.lookups.IDLE_SECONDS", SHORT)
    return lambda: not [each for each in threading.enumerate() if each.name == "ends soon"]


def test_an_idle_thread_ends_and_the_next_look_up_starts_one(ends_soon: Callable[[], bool]) -> None:
    asked: Lookups[str] = Lookups("ends soon", threads=1, callers=1, seconds=60.0, patience=0.0)
    for _ in range(3):
        assert asked.ask("key", lambda: "found") == "found"
        until(ends_soon)
