"""The publisher as a process: woken by changes, idle otherwise, one at a time, stoppable, surviving outages."""

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
from tests.support.record_pipeline import append, lock_holder, record
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

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
    """A journal, a Redis and the processes that a test starts."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.journal = system.folder / "journal"
        self.writer = Writer(
            self.journal, new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**20
        )

    def start(self, *names: str) -> None:
        """Starts processes and waits for a working publisher."""
        self.system.start(*names)
        until(self.has_publisher, what="a publisher")

    def has_publisher(self) -> bool:
        """Whether a publisher is alive and working."""
        liveness.check(self.journal)
        return True

    def append(self) -> None:
        append(self.writer, record())

    def redis(self) -> redis.Redis:
        return redis.Redis(port=int(self.system.environment["REDIS_PORT"]))

    def messages(self) -> int:
        """The number of queued messages."""
        with self.redis() as client:
            return int(client.llen(LOGS_QUEUE))

    def sent(self) -> int:
        """The number of messages ever sent."""
        with self.redis() as client:
            return int(client.info("commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])

    def is_idle(self) -> bool:
        """Whether all records are rows and the publisher has saved that, which it does in an idle step."""
        return backlog.estimate(self.journal).waiting_bytes == 0

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self.system.processes[name].pid)

    def end(self, name: str) -> tuple[int, float]:
        """Sends SIGTERM. Returns the exit status, and the seconds until the exit."""
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


def wait_for_iterations(site: Site, count: int) -> None:
    """Waits for this many iterations of the publisher's loop."""
    lock = site.journal / "publisher.lock"
    for _ in range(count):
        last = lock.stat().st_mtime_ns
        until(lambda last=last: lock.stat().st_mtime_ns != last, what="an iteration")  # type: ignore[misc]


def usage(process: psutil.Process) -> tuple[float, int]:
    """The process' CPU seconds and voluntary context switches so far."""
    times = process.cpu_times()
    return times.user + times.system, process.num_ctx_switches().voluntary


def usage_during(process: psutil.Process, seconds: float) -> tuple[float, int]:
    """The CPU seconds and voluntary context switches within the next `seconds`."""
    before, ends_at = usage(process), time.monotonic() + seconds
    until(lambda: time.monotonic() > ends_at)
    after = usage(process)
    return after[0] - before[0], after[1] - before[1]


def test_it_publishes_a_new_record_without_polling(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    taken = []
    for _ in range(4):
        until(site.is_idle, what="an idle publisher")  # it has just made a step, so the next timed one is far off
        before, began = site.sent(), time.monotonic()
        site.append()
        while site.sent() == before and time.monotonic() - began < 10:
            pass
        taken.append(time.monotonic() - began)
    assert min(taken) < loop.IDLE_SECONDS / 4, taken
    assert sorted(taken)[1] < loop.IDLE_SECONDS / 2, taken


def test_it_uses_almost_no_cpu_while_idle(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.is_idle, what="an idle publisher")
    seconds, waits = usage_during(site.process("publisher"), 3)
    assert seconds <= 0.1
    assert waits <= 30


def test_a_second_publisher_waits_idly_and_takes_over_from_a_killed_one(site: Site) -> None:
    site.start("publisher")
    site.system.commands["second"] = PUBLISH
    site.system.start("second")
    until(lambda: "another process publishes" in site.system.log_of("second"), what="the second one")
    first, second = site.process("publisher"), site.process("second")
    seconds, waits = usage_during(second, 3)
    assert seconds <= 0.1
    assert waits <= 30
    assert lock_holder(site.journal) == first.pid
    site.system.kill("publisher")
    until(lambda: lock_holder(site.journal) == second.pid, what="the takeover")
    site.append()
    until(lambda: site.messages() == 1, what="its message")
    assert site.system.log_of("second").count("waits for the lock") == 1
    assert site.end("second")[0] == 0


def test_on_a_stop_it_publishes_the_rest_saves_its_progress_and_ends_quickly(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.is_idle, what="an idle publisher")
    site.system.kill("worker-logs")
    before = site.sent()
    site.append()
    until(lambda: site.sent() == before + 1, what="its message")  # now it waits for a row that does not come
    site.append()
    status, seconds = site.end("publisher")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert site.sent() == before + 2
    assert [str(head.settled) for head in read_heads(site.journal).values()] == ["1-1"]
    assert list(progress.read(site.journal).values()) != [0]
    assert "Traceback" not in site.system.log_of("publisher")
    assert lock_holder(site.journal) == 0


def test_it_can_be_stopped_while_it_waits_for_the_lock(site: Site) -> None:
    site.start("publisher")
    site.system.commands["second"] = PUBLISH
    site.system.start("second")
    until(lambda: "another process publishes" in site.system.log_of("second"), what="the second one")
    status, seconds = site.end("second")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert lock_holder(site.journal) == site.process("publisher").pid


def test_it_survives_an_outage_of_redis_and_can_be_stopped_during_it(site: Site) -> None:
    site.start("publisher")
    wait_for_iterations(site, 1)
    site.system.kill("redis")
    site.append()
    until(lambda: "publishing pauses for 0.5 s: Redis" in site.system.log_of("publisher"), what="the outage")
    liveness.check(site.journal)
    site.system.start("redis")
    until(lambda: site.messages() == 1, what="its message")
    site.system.kill("redis")
    site.writer.close()
    site.append()
    until(lambda: site.system.log_of("publisher").count("publishing pauses for 0.5 s: Redis") == 2, what="the outage")
    status, seconds = site.end("publisher")
    assert (status, seconds < loop.LONGEST_PAUSE_SECONDS) == (0, True)
    assert "Traceback" not in site.system.log_of("publisher")


def test_it_survives_an_outage_of_the_database(site: Site) -> None:
    site.start("publisher")
    site.append()
    until(lambda: site.messages() == 1, what="its message")
    site.system.sql("ALTER TABLE recording_origin RENAME TO ml_proxy_away")
    if site.system.environment.get("DATABASE_URL"):
        site.system.sql(DISCONNECT)
    until(
        lambda: "publishing pauses for 0.5 s: the database lacks" in site.system.log_of("publisher"), what="the outage"
    )
    site.append()
    site.system.sql("ALTER TABLE ml_proxy_away RENAME TO recording_origin")
    until(lambda: site.messages() == 2, what="the second message")
    site.system.start("worker-logs")
    until(site.is_idle, what="rows")
    assert site.system.sql("SELECT count(*) FROM ml_proxy_inferencelog")[0][0] == 2


def test_it_polls_without_inotify_and_warns_once(site: Site) -> None:
    site.system.commands["publisher"] = [sys.executable, "-c", WITHOUT_INOTIFY]
    site.system.environment["DJANGO_SETTINGS_MODULE"] = "backend.settings"
    site.start("publisher", "worker-logs")
    for _ in range(2):
        site.append()
        until(site.is_idle, what="rows")
    seconds, waits = usage_during(site.process("publisher"), 3)
    assert seconds <= 0.3
    assert waits <= 100
    assert site.system.log_of("publisher").count("can't be watched (No space left on device)") == 1
    assert site.end("publisher")[0] == 0


def test_it_removes_a_closed_segment_without_a_new_record(site: Site) -> None:
    site.start("publisher", "worker-logs")
    site.append()
    until(site.is_idle, what="rows")
    site.writer.close()
    until(lambda: not list(site.journal.glob("*.segment")), what="an empty journal")


def test_other_processes_see_whether_it_is_alive_and_not_stuck(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem() -> str:
        try:
            liveness.check(site.journal)
        except liveness.NoPublisher as exc:
            return str(exc)
        return ""

    assert problem() == "No publisher has run here yet."
    site.start("publisher")
    wait_for_iterations(site, 2)
    assert problem() == ""
    process = site.process("publisher")
    monkeypatch.setattr(liveness, "SILENT_SECONDS", 2.0)
    process.suspend()
    until(lambda: problem().startswith("The publisher has made no progress for "), what="a stuck publisher")
    process.resume()
    until(lambda: problem() == "", what="a working publisher")
    site.system.kill("publisher")
    assert problem().startswith("No publisher runs")


def test_the_check_does_not_change_the_heartbeat(tmp_path: Path) -> None:
    lock = tmp_path / "publisher.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    with pytest.raises(liveness.NoPublisher):
        liveness.check(tmp_path)
    assert lock.stat().st_mtime == 0
