"""Starts the real processes from the Procfile."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from tests.support.held_signals import held_signals
from tests.support.network import free_port
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[2]


def procfile() -> dict[str, list[str]]:
    """The command of each process, split into words."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): shlex.split(command) for name, _, command in pairs}


class System:
    """Gateway, workers and Redis with a state folder, free ports and a database."""

    def __init__(self, folder: Path, *, database_url: str = "", ml_server_url: str = "", **settings: str) -> None:
        self.folder = self.log_folder = folder
        self.root = ROOT  # where the code is; a copy of the repository may take its place
        ports = {name: str(free_port()) for name in ("GATEWAY_PORT", "ML_SERVER_PORT", "FLOWER_PORT", "REDIS_PORT")}
        given = {"DATABASE_URL": database_url, "ML_SERVER_URL": ml_server_url}
        self.environment: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DEBUG": "1",
            "VAR_DIR": str(folder),
            "METRICS_DIR": str(folder / "metrics"),
            "FETCH_MODELS": "0",
            "JOB_NICENESS": "0",  # tests wait for jobs, on busy machines too
            **ports,
            **{name: value for name, value in given.items() if value},
            **settings,
        }
        self.url = f"http://127.0.0.1:{ports['GATEWAY_PORT']}"
        self.commands = procfile()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def manage(self, *words: str) -> str:
        """Runs a command of manage.py; returns its output. Raises if it fails."""
        done = self.ask(*words)
        done.check_returncode()
        return done.stdout

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of manage.py, which may fail."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.root,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )

    def sql(self, statement: str) -> list[Any]:
        """Runs one statement in the system's database."""
        if url := self.environment.get("DATABASE_URL"):
            with psycopg.connect(url, autocommit=True) as connection:
                done = connection.execute(statement)
                return done.fetchall() if done.description else []
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=60, isolation_level=None)) as lite:
            return lite.execute(statement).fetchall()

    def start(self, *names: str) -> None:
        """Starts processes; waits until the gateway responds."""
        for name in names:
            self.spawn(name)
        if "web" in names:
            until(lambda: requests.get(f"{self.url}/healthz", timeout=10).ok, what="web")

    def spawn(self, name: str) -> None:
        """Starts a process without waiting."""
        with (self.log_folder / f"{name}.log").open("ab") as log, held_signals():
            self.processes[name] = subprocess.Popen(
                self.commands[name], cwd=self.root, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def family(self, name: str) -> list[psutil.Process]:
        """The descendants of a process, followed by itself."""
        return list(_family(self.processes[name].pid))

    def log_of(self, name: str) -> str:
        """The output of a process so far."""
        return (self.log_folder / f"{name}.log").read_text()

    def kill(self, name: str, signum: int = signal.SIGKILL) -> None:
        """Sends a signal to the process, and waits for its end."""
        process = self.processes.pop(name)
        process.send_signal(signum)
        process.wait(60)

    def stop(self) -> None:
        """Kills all started processes and their children."""
        with held_signals():
            for process in self.processes.values():
                for child in _family(process.pid):
                    child.kill()
                process.wait(60)
            self.processes.clear()

    def predict(self, body: Mapping[str, object] | bytes, **fields: str) -> requests.Response:
        """One prediction."""
        headers = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(f"{self.url}/ml/v1/predict/", data=data, headers=headers, timeout=60)

    def history(self, **query: str) -> requests.Response:
        """One page of history."""
        return requests.get(f"{self.url}/ml/v1/history/", params=query, timeout=60)


def _family(pid: int) -> Iterable[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return []
