"""Clients that ask at a steady rate and note what each was told."""

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

PATIENCE_SECONDS = 10.0  # before a client gives an answer up
MOST_TRIES = 8  # of a request with an Idempotency-Key, until it is answered
RETRY_SECONDS = 0.5  # between two of them
BROKEN = 0  # stands for the status where no whole answer came


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: its own id, what it was answered, and how long that took, in seconds.

    With an Idempotency-Key there are several under one id.
    """

    request_id: str
    status: int
    inference_id: str
    digest: str  # SHA-256 of the answer's body, in hex
    seconds: float
    is_keyed: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the caller holds a whole 2xx."""
        return 200 <= self.status < 300


class Clients:
    """`count` threads that send `rate` predictions a second together, from `start` to `stop`.

    While `rush` is set they send as many as are answered. Every `keyed`th request of a client has an Idempotency-Key,
    is tried until it is answered, and then once more.
    """

    def __init__(
        self,
        port: int,
        *,
        count: int,
        rate: float,
        name: str = "chaos",
        keyed: int = 0,
        rush: threading.Event | None = None,
    ) -> None:
        self._port = port
        self._rush = rush or threading.Event()
        self._keyed = keyed
        self._pause = count / rate  # seconds between two requests of one client
        self._over = threading.Event()
        self._notes: list[list[Attempt]] = [[] for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=(f"{name}-{number}", notes), daemon=True)
            for number, notes in enumerate(self._notes)
        ]

    def start(self) -> None:
        """Begins to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets each have its last answer."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def attempts(self) -> Sequence[Attempt]:
        """All notes so far."""
        return [attempt for notes in self._notes for attempt in list(notes)]

    def answered(self) -> int:
        """How many requests have had a 2xx so far."""
        return len(answered(self.attempts()))

    def _run(self, name: str, notes: list[Attempt]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        due, number = time.monotonic(), 0
        while not self._over.wait(max(0.0, due - time.monotonic())):
            number += 1
            if self._keyed and number % self._keyed == 0:
                self._ask_until_answered(connection, f"{name}-{number}", notes)
            else:
                notes.append(ask(connection, f"{name}-{number}"))
            pause = 0.0 if self._rush.is_set() else self._pause
            due = max(due, time.monotonic() - self._pause) + pause  # a stall is not made up for by a flood
        connection.close()

    def _ask_until_answered(
        self, connection: http.client.HTTPConnection, request_id: str, notes: list[Attempt]
    ) -> None:
        for _ in range(MOST_TRIES):
            notes.append(ask(connection, request_id, is_keyed=True))
            if notes[-1].is_answered:
                notes.append(ask(connection, request_id, is_keyed=True))
                break
            if self._over.wait(RETRY_SECONDS):
                break


def answered(attempts: Iterable[Attempt]) -> set[str]:
    """The ids of the requests that have had a 2xx."""
    return {attempt.request_id for attempt in attempts if attempt.is_answered}


def ask(connection: http.client.HTTPConnection, request_id: str, *, is_keyed: bool = False) -> Attempt:
    """One prediction; one without a key is never sent twice."""
    key = {"Idempotency-Key": request_id} if is_keyed else {}
    started = time.perf_counter()
    try:
        connection.request("POST", "/ml/v1/predict/", _body(request_id), _fields(request_id) | key)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return Attempt(request_id, BROKEN, "", "", time.perf_counter() - started, is_keyed)
    named = response.headers.get("X-Inference-ID", "") if response.status < HTTPStatus.MULTIPLE_CHOICES else ""
    digest = hashlib.sha256(body).hexdigest()
    return Attempt(request_id, response.status, named, digest, time.perf_counter() - started, is_keyed)


def _body(request_id: str) -> bytes:
    features = [round(0.37 * number, 2) for number in range(30)]
    member = {"doctor_name": "Dr. Chaos", "patient_name": f"Patient {request_id}", "features": features}
    return json.dumps(member).encode()


def _fields(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-Request-ID": request_id}
