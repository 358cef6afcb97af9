"""The publisher as a process: woken by news, idle without, one at a time, stopped in good order, outliving outages."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import redis
from pytest_django import Settings

from common.broker import LOGS_QUEUE
from recording import backlog
from recording.journal import Writer, liveness
from recording.publisher import loop, progress
from recording.publisher.heads import read as read_heads
from recording.seals import keyring
from tests.support.publishing import append, holder, record
from tests.support.system import System
from tests.support.waiting import until

PUBLISH = [sys.executable, "manage.py", "publish"]
DISCONNECT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
WITHOUT_INOTIFY = """
import errno, os, sys
import django
django.setup()
from django.core.management import call_command
from recording.journal import watch
def refused(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
watch._watch = refused
call_command("publish")
"""


class Site:
    """A journal, a Redis and the processes that a test starts beside them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.journal = system.folder / "journal"
        self.writer = Writer(
            self.journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20
        )

    def start(self, *names: str) -> None:
        """Starts processes; waits for a publisher that works."""
        self.system.start(*names)
        until(self.is_published, what="a publisher")

    def is_published(self) -> bool:
        """Whether a publisher is alive and working."""
        liveness.check(self.journal)
        return True

    def append(self) -> None:
        append(self.writer, record())

    def redis(self) -> redis.Redis:
        return redis.Redis(port=int(self.system.environment["REDIS_PORT"]))

    def messages(self) -> int:
        """How many wait for a worker."""
        with self.redis() as client:
            return int(client.llen(LOGS_QUEUE))

    def sent(self) -> int:
        """How many were ever sent."""
        with self.redis() as client:
            return int(client.info("commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])

    def has_nothing_to_do(self) -> bool:
        """Whether all records are rows and the publisher knows it, which it notes in a step without work."""
        return backlog.glance(self.journal).waiting_bytes == 0

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self.system.processes[name].pid)

    def end(self, name: str) -> tuple[int, float]:
        """SIGTERM: the status of the process, and after how many seconds."""
        process = self.system.processes.pop(name)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        return process.wait(60), time.monotonic() - began


@pytest.fixture
def site(make_system: Callable[..., System], settings: Settings) -> Iterator[Site]:
    made = Site(make_system(SEAL_KEY=settings.SEAL_KEY, REPUBLISH_SECONDS="60"))
    made.system.start("redis")
    until(lambda: made.messages() == 0, what="redis")
    yield made
    made.writer.close()


def turns(site: Site, count: int) -> None:
    """Waits until the publisher has gone round so often."""
    lock = site.journal / "publisher.lock"
    for _ in range(count):
        last = lock.stat().st_mtime_ns
        until(lambda last=last: lock.stat().st_mtime_ns != last, what="a turn")  # type: ignore[misc]


def effort(process: psutil.Process) -> tuple[float, int]:
    """Seconds of processor time, and how often the process has waited."""
    times = process.cpu_times()
    return times.user + times.system, process.num_ctx_switches().voluntary


def effort_within(process: psutil.Process, seconds: float) -> tuple[float, int]:
    """The same, of the next `seconds`."""
    before, ends_at = effort(process), time.monotonic() + seconds
    until(lambda: time.monotonic() > ends_at)
    after = effort(process)
    return after[0] - before[0], after[1] - before[1]


def test_it_sends_a_new_record_without_waiting_for_its_next_look(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    taken = []
    for _ in range(4):
        until(site.has_nothing_to_do, what="an idle publisher")  # which has just looked: the next look is far off
        before, began = site.sent(), time.monotonic()
        site.append()
        while site.sent() == before and time.monotonic() - began < 10:
            pass
        taken.append(time.monotonic() - began)
    assert min(taken) < loop.IDLE_SECONDS / 4, taken
    assert sorted(taken)[1] < loop.IDLE_SECONDS / 2, taken


def test_it_does_next_to_nothing_while_there_is_nothing_to_do(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.has_nothing_to_do, what="an idle publisher")
    seconds, waits = effort_within(site.process("publisher"), 3)
    assert seconds <= 0.1
    assert waits <= 30


def test_a_second_one_waits_without_spinning_and_takes_over_from_a_killed_one(site: Site) -> None:
    site.start("publisher")
    site.system.commands["second"] = PUBLISH
    site.system.start("second")
    until(lambda: "another process publishes" in site.system.log_of("second"), what="the second one")
    first, second = site.process("publisher"), site.process("second")
    seconds, waits = effort_within(second, 3)
    assert seconds <= 0.1
    assert waits <= 30
    assert holder(site.journal) == first.pid
    site.system.kill("publisher")
    until(lambda: holder(site.journal) == second.pid, what="the other one")
    site.append()
    until(lambda: site.messages() == 1, what="its message")
    assert site.system.log_of("second").count("waits for the lock") == 1
    assert site.end("second")[0] == 0


def test_it_sends_what_is_left_writes_its_notes_and_ends_at_once(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.has_nothing_to_do, what="an idle publisher")
    site.system.kill("worker-logs")
    before = site.sent()
    site.append()
    until(lambda: site.sent() == before + 1, what="its message")  # and now it waits for a receipt that does not come
    site.append()
    status, seconds = site.end("publisher")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert site.sent() == before + 2
    assert list(read_heads(site.journal).values()) == [1]
    assert list(progress.read(site.journal).values()) != [0]
    assert "Traceback" not in site.system.log_of("publisher")
    assert holder(site.journal) == 0


def test_it_ends_at_once_while_it_waits_for_the_lock(site: Site) -> None:
    site.start("publisher")
    site.system.commands["second"] = PUBLISH
    site.system.start("second")
    until(lambda: "another process publishes" in site.system.log_of("second"), what="the second one")
    status, seconds = site.end("second")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert holder(site.journal) == site.process("publisher").pid


def test_it_outlives_an_outage_of_redis_and_can_be_stopped_in_it(site: Site) -> None:
    site.start("publisher")
    turns(site, 1)
    site.system.kill("redis")
    site.append()
    until(lambda: "publishing waits 0.5 s: Redis" in site.system.log_of("publisher"), what="the outage")
    liveness.check(site.journal)
    site.system.start("redis")
    until(lambda: site.messages() == 1, what="its message")
    site.system.kill("redis")
    site.writer.close()
    site.append()
    until(lambda: site.system.log_of("publisher").count("publishing waits 0.5 s: Redis") == 2, what="the outage")
    status, seconds = site.end("publisher")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert "Traceback" not in site.system.log_of("publisher")


def test_it_outlives_an_outage_of_the_database(site: Site) -> None:
    site.start("publisher")
    site.append()
    until(lambda: site.messages() == 1, what="its message")
    site.system.sql("ALTER TABLE recording_receipt RENAME TO ml_proxy_away")
    if site.system.environment.get("DATABASE_URL"):
        site.system.sql(DISCONNECT)
    until(lambda: "publishing waits 0.5 s: no database" in site.system.log_of("publisher"), what="the outage")
    site.append()
    site.system.sql("ALTER TABLE ml_proxy_away RENAME TO recording_receipt")
    until(lambda: site.messages() == 2, what="the second message")
    site.system.start("worker-logs")
    until(site.has_nothing_to_do, what="rows")
    assert site.system.sql("SELECT count(*) FROM ml_proxy_inferencelog")[0][0] == 2


def test_it_looks_by_the_clock_without_inotify_and_says_so_once(site: Site) -> None:
    site.system.commands["publisher"] = [sys.executable, "-c", WITHOUT_INOTIFY]
    site.system.environment["DJANGO_SETTINGS_MODULE"] = "backend.settings"
    site.start("publisher", "worker-logs")
    for _ in range(2):
        site.append()
        until(site.has_nothing_to_do, what="rows")
    seconds, waits = effort_within(site.process("publisher"), 3)
    assert seconds <= 0.3
    assert waits <= 100
    assert site.system.log_of("publisher").count("can't be watched (No space left on device)") == 1
    assert site.end("publisher")[0] == 0


def test_it_lets_go_of_a_killed_writers_segment_without_another_record(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.has_nothing_to_do, what="rows")
    site.writer.close()
    until(lambda: not list(site.journal.glob("*.segment")), what="an empty journal")


def test_others_can_tell_whether_it_is_alive_and_not_stuck(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> str:
        try:
            liveness.check(site.journal)
        except liveness.NoPublisher as exc:
            return str(exc)
        return ""

    assert told() == "No publisher has run here yet."
    site.start("publisher")
    turns(site, 2)
    assert told() == ""
    process = site.process("publisher")
    monkeypatch.setattr(liveness, "SILENT_SECONDS", 2.0)
    process.suspend()
    until(lambda: told().startswith("The publisher has not gone on for "), what="a stuck publisher")
    process.resume()
    until(lambda: told() == "", what="a publisher that goes on")
    site.system.kill("publisher")
    assert told().startswith("No publisher runs")


def test_a_look_at_it_changes_no_sign_of_life(tmp_path: Path) -> None:
    lock = tmp_path / "publisher.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    with pytest.raises(liveness.NoPublisher):
        liveness.check(tmp_path)
    assert lock.stat().st_mtime == 0
