"""Clients that send predictions at a steady rate and record the answers."""

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

DOCTOR = "Dr. Chaos"
TIMEOUT_SECONDS = 10.0  # for one answer
MAX_ATTEMPTS = 8  # to send a request with an Idempotency-Key
RETRY_SECONDS = 0.5  # between two attempts
BROKEN = 0  # used as the status if there was no complete answer


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its answer, with the duration in seconds.

    Requests that repeat an Idempotency-Key have the same request id.
    """

    request_id: str
    status: int
    inference_id: str
    digest: str  # SHA-256 of the answer's body, in hex
    seconds: float
    is_keyed: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the caller got a complete 2xx answer."""
        return 200 <= self.status < 300


class Clients:
    """`count` threads that together send `rate` predictions per second, from `start` to `stop`.

    All have the account of `token`. While `full_load` is set, they send without a pause. Every `keyed`th request of a
    client has an Idempotency-Key; it is repeated until it is answered, and then once more.
    """

    def __init__(
        self,
        port: int,
        token: str,
        *,
        count: int,
        rate: float,
        name: str = "chaos",
        keyed: int = 0,
        full_load: threading.Event | None = None,
    ) -> None:
        self._port = port
        self._fields = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._full_load = full_load or threading.Event()
        self._keyed = keyed
        self._pause = count / rate  # seconds between two requests of one client
        self._stopping = threading.Event()
        self._attempts: list[list[Attempt]] = [[] for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=(f"{name}-{number}", attempts), daemon=True)
            for number, attempts in enumerate(self._attempts)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stops the threads after their last answer."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def attempts(self) -> Sequence[Attempt]:
        """Returns all attempts so far."""
        return [attempt for attempts in self._attempts for attempt in list(attempts)]

    def answered(self) -> int:
        """Returns the number of requests with a 2xx so far."""
        return len(answered(self.attempts()))

    def _run(self, name: str, attempts: list[Attempt]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        due, number = time.monotonic(), 0
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            number += 1
            if self._keyed and number % self._keyed == 0:
                self._repeat_until_answered(connection, f"{name}-{number}", attempts)
            else:
                attempts.append(predict(connection, f"{name}-{number}", self._fields))
            pause = 0.0 if self._full_load.is_set() else self._pause
            due = max(due, time.monotonic() - self._pause) + pause  # no burst after a stall
        connection.close()

    def _repeat_until_answered(
        self, connection: http.client.HTTPConnection, request_id: str, attempts: list[Attempt]
    ) -> None:
        for _ in range(MAX_ATTEMPTS):
            attempts.append(predict(connection, request_id, self._fields, is_keyed=True))
            if attempts[-1].is_answered:
                attempts.append(predict(connection, request_id, self._fields, is_keyed=True))
                break
            if self._stopping.wait(RETRY_SECONDS):
                break


def answered(attempts: Iterable[Attempt]) -> set[str]:
    """Returns the ids of the requests with a 2xx."""
    return {attempt.request_id for attempt in attempts if attempt.is_answered}


def predict(
    connection: http.client.HTTPConnection, request_id: str, fields: Mapping[str, str], *, is_keyed: bool = False
) -> Attempt:
    """Sends one prediction. Requests without a key are never repeated."""
    own = {"X-Request-ID": request_id} | ({"Idempotency-Key": request_id} if is_keyed else {})
    started = time.perf_counter()
    try:
        connection.request("POST", "/ml/v1/predict/", _body(request_id), {**fields, **own})
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
    member = {"doctor_name": DOCTOR, "patient_name": f"Patient {request_id}", "features": features}
    return json.dumps(member).encode()
