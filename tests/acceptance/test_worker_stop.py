"""Workers and beat end in time when they are asked to, whatever they wait for, and nothing is lost by it."""

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis
from pytest_django import Settings

from common import broker
from tests.acceptance.helpers.recording import answered, assert_all_are_rows
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import DEADLINE_SECONDS, until
from tests.support.waiting_worker import TOUCH, WAIT

LARGE = "x" * 1024 * 1024  # larger than the buffer of the pipe to a process
STOP_SECONDS = "2"


@pytest.fixture
def system(make_system: Callable[..., System], model: ScriptedModel, settings: Settings) -> System:
    made = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="0.5", WORKER_STOP_SECONDS=STOP_SECONDS)
    settings.REDIS_URL = f"redis://127.0.0.1:{made.environment['REDIS_PORT']}/0"
    made.start("redis")
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        until(connection.ping, what="redis")
    return made


def send(task: str, **kwargs: str) -> None:
    broker.send(task, kwargs, queue=broker.LOGS_QUEUE, shown_as="-")


def start_waiting_worker(system: System, tmp_path: Path) -> None:
    """Starts the worker with the tasks for tests and two processes; waits until each has done one."""
    command = [word.replace("worker.logs", "tests.support.waiting_worker") for word in system.commands["worker-logs"]]
    command[command.index("--concurrency") + 1] = "2"
    system.commands["worker-logs"] = command
    system.start("worker-logs")
    over = tmp_path / "over"
    send(WAIT, path=str(over))
    touch(tmp_path / "meanwhile")
    over.touch()
    until(lambda: system.log_of("worker-logs").count(" succeeded") == 2, what="both tasks")


def touch(*paths: Path) -> None:
    """Lets the worker make files, and waits for them."""
    for path in paths:
        send(TOUCH, path=str(path))
    until(lambda: all(path.exists() for path in paths), what="short tasks")


def has_received(system: System, count: int) -> bool:
    """Whether the worker has taken so many messages from Redis."""
    return system.log_of("worker-logs").count(" received") >= count


def has_unread(process: psutil.Process) -> bool:
    """Whether a pipe of the process holds bytes that nobody has read."""
    pipes = [each for each in Path(f"/proc/{process.pid}/fd").iterdir() if each.readlink().name.startswith("pipe:")]
    return any(unread_bytes(each) for each in pipes)


def unread_bytes(pipe: Path) -> int:
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(descriptor)


def pool_processes(system: System) -> list[psutil.Process]:
    return system.family("worker-logs")[:-1]


def ask_to_stop(system: System, *names: str) -> None:
    for name in names:
        system.processes[name].send_signal(signal.SIGTERM)


def test_it_lets_its_process_finish_a_message_of_which_it_has_a_part(system: System, tmp_path: Path) -> None:
    """Otherwise the process takes the order to end for the rest of the message, and waits for more."""
    system.environment["WORKER_STOP_SECONDS"] = "3600"
    start_waiting_worker(system, tmp_path)
    for child in pool_processes(system):
        child.suspend()
    large = tmp_path / "large"
    send(TOUCH, path=str(large), rest=LARGE)
    until(lambda: any(map(has_unread, pool_processes(system))), what="a part of the message")
    ask_to_stop(system, "worker-logs")
    until(lambda: "Warm shutdown" in system.log_of("worker-logs"), what="the signal")
    for child in pool_processes(system):
        child.resume()
    assert system.processes["worker-logs"].wait(DEADLINE_SECONDS) == 0
    assert large.exists()


def test_a_task_does_not_wait_behind_another_after_redis_was_lost(system: System, tmp_path: Path) -> None:
    """It goes to the process that is idle."""
    start_waiting_worker(system, tmp_path)
    long = tmp_path / "long"
    send(WAIT, path=str(long))
    until(lambda: has_received(system, 3), what="the long task")
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        connection.client_kill_filter(_type="normal", skipme=True)
    until(lambda: "Connection to broker lost" in system.log_of("worker-logs"), what="the lost connection")
    touch(*(tmp_path / str(number) for number in range(4)))
    long.touch()


def test_it_ends_in_time_although_a_task_hangs_and_loses_nothing(system: System) -> None:
    system.start("worker-logs", "web", "publisher")
    first = answered(system, 1)
    assert_all_are_rows(system, first)
    [child] = pool_processes(system)
    child.suspend()
    ids = answered(system, 9)
    assert len(ids) == 9
    until(lambda: has_received(system, 2), what="a batch")
    ask_to_stop(system, "worker-logs")
    assert system.processes["worker-logs"].wait(DEADLINE_SECONDS) == 1
    until(lambda: not child.is_running(), what="the end of the pool's process")
    assert "(most recent call first)" in system.log_of("worker-logs")
    system.start("worker-logs")
    assert_all_are_rows(system, first | ids)


def test_they_end_in_time_although_redis_hangs(system: System) -> None:
    says = {"worker-logs": "ready", "worker-jobs": "ready", "beat": "Starting"}
    system.start(*says)
    until(lambda: all(word in system.log_of(name) for name, word in says.items()), what="workers and beat")
    for process in system.family("redis"):
        process.suspend()
    ask_to_stop(system, *says)
    for name in says:
        assert system.processes[name].wait(DEADLINE_SECONDS) in {0, 1}, name
