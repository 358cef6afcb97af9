"""The system under test: its processes, which are restarted when they end, and its services."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
import redis

from tests.support.production import create_clinician, production_settings
from tests.support.system import System
from tests.support.wait import until
from tools.chaos.clients import DOCTOR
from tools.chaos.clock import Clock, NoClock
from tools.chaos.databases import Database, PostgresDatabase
from tools.chaos.disk import Disk, NoDisk
from tools.chaos.link import Link

SUPERVISED = ("redis", "model", "web", "publisher", "worker-logs")
WITH_CLOCK = ("web", "publisher", "worker-logs")  # the product's own processes
STOP_SECONDS = 60.0  # for a process that is asked to stop: a worker takes 20 at most, and the machine is busy
WATCH_SECONDS = 0.1
JOURNAL_BYTES = 64 * 1024 * 1024
JOURNAL_WRITE_SECONDS = 2.0  # shorter than the longest hang of its disk
SETTINGS = {
    "GATEWAY_WORKERS": "2",
    "REPUBLISH_SECONDS": "2",
    "UPSTREAM_TOTAL_SECONDS": "3",
    "JOURNAL_MAX_BYTES": str(JOURNAL_BYTES),
    "JOURNAL_SEGMENT_BYTES": str(256 * 1024),
    "JOURNAL_WRITE_SECONDS": str(JOURNAL_WRITE_SECONDS),
}


class Testbed:
    """A running system in production mode. Processes that end are restarted, as a process supervisor does."""

    def __init__(self, folder: Path, database: Database, **settings: str) -> None:
        self.database = database
        self.system = System(folder, database_url=database.url, **{**production_settings(), **SETTINGS, **settings})
        self.system.commands["model"] = [sys.executable, "-m", "tools.chaos.model"]
        self.link = Link(int(self.system.environment["REDIS_PORT"]))
        self.system.environment["REDIS_URL"] = f"redis://127.0.0.1:{self.link.port}/0"
        self.disk: Disk | None = None
        self.clock: Clock | None = None
        self.token = ""  # of the clients' account, after `start`
        self.left_out: dict[str, str] = {}  # a fault's need: why this machine does not have it
        self.faults_over = threading.Event()  # set to end all faults early
        self.full_load = threading.Event()  # set while clients send without a pause
        self.restarts = 0
        self._stopped: set[str] = set()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.system.folder / "journal"

    @property
    def port(self) -> int:
        """The port of the gateway."""
        return int(self.system.environment["GATEWAY_PORT"])

    @property
    def features(self) -> set[str]:
        """What faults may need: the kind of the database, and `disk` and `clock` after `equip`."""
        found = {"postgres" if isinstance(self.database, PostgresDatabase) else "sqlite"}
        return found | ({"disk"} if self.disk else set()) | ({"clock"} if self.clock else set())

    def equip(self) -> None:
        """Before `start`: gives the journal a disk of its own and the product a clock, as far as this machine can."""
        try:
            self.disk = Disk(self.system.folder / "journal.img", self.journal)
        except NoDisk as exc:
            self.left_out["disk"] = str(exc)
        try:
            self.clock = Clock(self.system.folder)
            for name in WITH_CLOCK:
                self.system.commands[name] = [*self.clock.prefix, *self.system.commands[name]]
        except NoClock as exc:
            self.left_out["clock"] = str(exc)

    def start(self) -> None:
        """Starts the system."""
        self.link.open()
        self.system.manage("migrate", "-v0")
        self.token = create_clinician(self.system, DOCTOR)
        self.system.start(*SUPERVISED)
        until(lambda: self.redis().ping(), what="redis")
        self._supervisor.start()

    def close(self) -> None:
        """Stops the system."""
        self._closing.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        self.system.stop()
        self.link.close()
        if self.disk:
            self.disk.close()

    def wait(self, seconds: float) -> None:
        """Waits for the duration of a fault, or until all faults must end."""
        self.faults_over.wait(seconds)

    @contextmanager
    def under_full_load(self, seconds: float) -> Iterator[None]:
        """Runs the block while many requests are in progress."""
        self.full_load.set()
        try:
            self.wait(seconds)
            yield
        finally:
            self.full_load.clear()

    def redis(self) -> redis.Redis:
        """Returns a client with short timeouts."""
        port = int(self.system.environment["REDIS_PORT"])
        return redis.Redis(port=port, socket_timeout=1, socket_connect_timeout=1)

    def family(self, name: str) -> list[psutil.Process]:
        """Returns a process's descendants, then the process itself."""
        with self._lock:
            return self.system.family(name)

    def kill(self, name: str) -> None:
        """Sends SIGKILL to the main process of a command of the Procfile."""
        with self._lock:
            process = self.system.processes[name]
            process.kill()
            process.wait()

    def restart(self, name: str) -> None:
        """Asks a process to stop, and waits until it has; then it is started again."""
        process = self.system.processes[name]
        process.terminate()
        process.wait(STOP_SECONDS)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Kills a process and does not restart it during the block."""
        with self._lock:
            self._stopped.add(name)
            self.kill(name)
        try:
            with self.link.closed() if name == "redis" else nullcontext():
                yield
        finally:
            with self._lock:
                self._stopped.discard(name)

    def _supervise(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            for name in SUPERVISED:
                self._restart_if_ended(name)

    def _restart_if_ended(self, name: str) -> None:
        with self._lock:
            if name not in self._stopped and self.system.processes[name].poll() is not None:
                self.system.spawn(name)
                self.restarts += 1
