"""What faults happen to: the processes, each started again as soon as it ends, and the services beside them."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import redis

from tests.support.system import System
from tests.support.waiting import until
from tools.chaos.databases import Database

KEPT = ("redis", "model", "web", "publisher", "worker-logs")
WATCH_SECONDS = 0.1
JOURNAL_BYTES = 64 * 1024 * 1024
SETTINGS = {
    "GATEWAY_WORKERS": "2",
    "REPUBLISH_SECONDS": "2",
    "UPSTREAM_TOTAL_SECONDS": "3",
    "JOURNAL_MAX_BYTES": str(JOURNAL_BYTES),
    "JOURNAL_SEGMENT_BYTES": str(256 * 1024),
}


class Stage:
    """A running system. Whatever ends is started again, as an operator's supervisor would."""

    def __init__(self, folder: Path, database: Database, **settings: str) -> None:
        self.database = database
        self.system = System(folder, database_url=database.url, **{**SETTINGS, **settings})
        self.system.commands["model"] = [sys.executable, "-m", "tools.chaos.model"]
        self.over = threading.Event()  # set to lift every fault early
        self.rush = threading.Event()  # set while clients shall send all that they can
        self.restarts = 0
        self._down: set[str] = set()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def journal(self) -> Path:
        """The journal's folder."""
        return self.system.folder / "journal"

    @property
    def port(self) -> int:
        """The gateway's."""
        return int(self.system.environment["GATEWAY_PORT"])

    def start(self) -> None:
        """Brings all of it up."""
        self.system.manage("migrate", "-v0")
        self.system.start(*KEPT)
        until(lambda: self.redis().ping(), what="redis")
        self._keeper.start()

    def close(self) -> None:
        """Ends all of it."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self.system.stop()

    def hold(self, seconds: float) -> None:
        """Lets a fault last, unless all of them are to end."""
        self.over.wait(seconds)

    @contextmanager
    def rushed(self, seconds: float) -> Iterator[None]:
        """Many requests are in flight when the block begins."""
        self.rush.set()
        try:
            self.hold(seconds)
            yield
        finally:
            self.rush.clear()

    def redis(self) -> redis.Redis:
        """A client that waits for no sick server."""
        port = int(self.system.environment["REDIS_PORT"])
        return redis.Redis(port=port, socket_timeout=1, socket_connect_timeout=1)

    def family(self, name: str) -> list[psutil.Process]:
        """What a process started, and itself, last."""
        with self._lock:
            return self.system.family(name)

    def end(self, name: str) -> None:
        """SIGKILL to the process that the Procfile's command became."""
        with self._lock:
            process = self.system.processes[name]
            process.kill()
            process.wait()

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """The process is gone, and nobody starts it, for the length of the block."""
        with self._lock:
            self._down.add(name)
            self.end(name)
        try:
            yield
        finally:
            with self._lock:
                self._down.discard(name)

    def _keep(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            for name in KEPT:
                self._look_after(name)

    def _look_after(self, name: str) -> None:
        with self._lock:
            if name not in self._down and self.system.processes[name].poll() is not None:
                self.system.spawn(name)
                self.restarts += 1
