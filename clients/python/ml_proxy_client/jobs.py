"""Jobs: long work in the background, with progress."""

import time
from collections.abc import Callable
from typing import Any

import requests

from ml_proxy_client.errors import JobFailed, seconds
from ml_proxy_client.transport import Transport

Progress = Callable[[dict[str, Any]], None]
POLL_SECONDS = 2.0
ENDED = frozenset({"succeeded", "failed", "cancelled"})


class RunningJob:
    """A job that was started. `state` is its last known state, as the API describes a job."""

    def __init__(self, transport: Transport, started: requests.Response, path: str) -> None:
        self._transport = transport
        self.state: dict[str, Any] = started.json()
        self.location = started.headers.get("Location") or f"{path}{self.state['id']}/"
        self._pause = seconds(started.headers.get("Retry-After"))

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.state["id"])

    @property
    def has_ended(self) -> bool:
        """Whether it has succeeded, failed or been cancelled."""
        return self.state["state"] in ENDED

    def refresh(self) -> dict[str, Any]:
        """Asks how far it is."""
        response = self._transport.send("GET", self.location)
        self.state = response.json()
        self._pause = seconds(response.headers.get("Retry-After"))
        return self.state

    def cancel(self) -> dict[str, Any]:
        """Cancels it. It may run on for a moment."""
        self.state = self._transport.send("POST", f"{self.location.rstrip('/')}/cancel/").json()
        return self.state

    def wait(self, on_progress: Progress | None = None, *, timeout: float | None = None) -> Any:
        """Waits for the end and returns the job's result. `timeout` is in seconds; the job runs on after it.

        Calls `on_progress` with the job whenever it has changed. Raises `JobFailed` and `TimeoutError`.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        told: Any = None
        while True:
            if on_progress and (now := (self.state["state"], self.state["progress"])) != told:
                told = now
                on_progress(self.state)
            if self.has_ended:
                break
            if ends_at is not None and time.monotonic() >= ends_at:
                raise TimeoutError(f"The job {self.id} is {self.state['state']} after {timeout} s.")
            time.sleep(POLL_SECONDS if self._pause is None else self._pause)
            self.refresh()
        if self.state["state"] != "succeeded":
            raise JobFailed(self.state)
        return self.state["result"]
