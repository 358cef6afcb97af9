"""Sends tasks to Celery by name. Every wait is bounded, so a Redis that hangs does not block this process.

A wait grows with the size of the message: a fixed one would make large messages impossible on a slow link.

https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.redis.html
"""

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import orjson
import redis
from celery import Celery
from django.conf import settings
from kombu.exceptions import KombuError
from kombu.serialization import register

from common import tracing
from common.redis_server import address, celery_options, clients

LOGS_QUEUE = "logs"
JOBS_QUEUE = "jobs"
UPKEEP_QUEUE = "upkeep"  # periodic tasks; separate, so that they do not wait behind jobs
QUEUES = (LOGS_QUEUE, JOBS_QUEUE, UPKEEP_QUEUE)
LOGS_ROLE = "logs"  # of the workers that take messages from `LOGS_QUEUE`
QUICK_JSON = "orjson"  # the serializer's name in Celery; the messages are plain JSON
SENT_AT = "sent_at"  # a header of every message, in seconds since 1970
WRITE_KEY, WRITE_KEY_SECONDS = "ml-proxy:writes", 60
WAIT_SECONDS = 0.5  # for Redis to accept a connection, or one command
WAIT_BYTES = 512 * 1024  # that a link must carry in `WAIT_SECONDS`: 1 MiB/s


class BrokerUnavailable(Exception):
    """Redis refused the message or did not confirm it in time; it may still have the message."""


register(
    QUICK_JSON,
    lambda value: orjson.dumps(value).decode(),
    orjson.loads,
    content_type="application/json",
    content_encoding="utf-8",
)

_FAILURES = (KombuError, OSError, redis.RedisError)


@lru_cache(maxsize=4)
def _producer(redis_url: str, _pid: int, seconds: float = WAIT_SECONDS) -> Celery:
    """A Celery app for sending, with a socket timeout of `seconds`.

    There is one per process: a forked child must not share its parent's sockets. It is not the worker's app: a worker
    may wait for Redis, a gateway must not.
    """
    app = Celery("common.broker", set_as_current=False)
    server = address.read(redis_url)
    app.conf.update(
        broker_url=celery_options.broker_url(server),
        broker_use_ssl=celery_options.tls(server) or None,
        broker_transport_options={
            **celery_options.transport_options(server),
            "body_encoding": "utf-8",  # the default is base64, and the records in a message are in base64 already
            "socket_timeout": seconds,
            "socket_connect_timeout": WAIT_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
        },
        broker_pool_limit=4,
        task_serializer=QUICK_JSON,
        task_ignore_result=True,
        task_send_sent_event=True,
    )
    return app


def send(task: str, kwargs: Mapping[str, Any], *, queue: str, shown_as: str, task_id: str | None = None) -> None:
    """Queues one task. Flower, events and logs show `shown_as` instead of `kwargs`.

    Raises `BrokerUnavailable`.
    """
    try:
        _producer(settings.REDIS_URL, os.getpid(), _wait_seconds(kwargs)).send_task(
            task,
            kwargs=dict(kwargs),
            queue=queue,
            task_id=task_id,
            argsrepr="()",
            kwargsrepr=shown_as,
            headers=_headers(),
            retry=False,
        )
    except _FAILURES as exc:
        raise BrokerUnavailable(f"Redis did not take the task {task} ({type(exc).__name__})") from exc


def _wait_seconds(kwargs: Mapping[str, Any]) -> float:
    """The timeout for a message with these arguments: `WAIT_SECONDS` times a power of two, for few producers."""
    nbytes = sum(len(value) for value in kwargs.values() if isinstance(value, str))
    return WAIT_SECONDS * 2.0 ** (nbytes // WAIT_BYTES).bit_length()


def show_progress(task_id: str, *, worker: str, percent: int, message: str) -> None:
    """Reports the progress of a task that runs on `worker`, as a Celery event for Flower and other monitors.

    Raises `BrokerUnavailable`.
    """
    app = _producer(settings.REDIS_URL, os.getpid())
    shown = f"{percent} %: {message}"  # Flower shows this column in every state
    try:
        with app.events.default_dispatcher(hostname=worker) as events:
            events.send("task-progress", uuid=task_id, retry=False, percent=percent, message=message, result=shown)
    except _FAILURES as exc:
        raise BrokerUnavailable(f"Redis did not take an event ({type(exc).__name__})") from exc


def waiting(queue: str) -> int:
    """The number of messages that no worker has taken yet. Raises `BrokerUnavailable`."""
    with client() as connection:
        return int(connection.llen(queue))


def require_writes() -> None:
    """Sends a small write, which Redis refuses if it is out of memory or read-only. Raises `BrokerUnavailable`."""
    with client() as connection:
        connection.set(WRITE_KEY, 1, ex=WRITE_KEY_SECONDS)


def oldest_waiting(queue: str) -> float:
    """When the message that a worker takes next was sent, in seconds since 1970: all earlier ones have left the queue.

    Infinity if no message waits, and 0 if it does not say. Raises `BrokerUnavailable`.
    """
    with client() as connection:
        raw = connection.lindex(queue, -1)
    return math.inf if raw is None else _sent_at(raw)


def oldest_taken(role: str) -> float:
    """As `oldest_waiting`, of messages that workers of this role have taken and not begun, also of killed ones.

    Redis still has their contents. Raises `BrokerUnavailable`.
    """
    with client() as connection:
        taken = connection.hvals(taken_key(role))
    return min(map(_sent_at, taken), default=math.inf)


def taken_key(role: str) -> str:
    """The key of Redis' hash of messages that workers of this role have taken and not acknowledged."""
    return f"unacked.{role}"


def _sent_at(raw: bytes | str) -> float:
    """When a message was sent; 0 if it does not say. That of a taken one is the first item of a list."""
    try:
        found = orjson.loads(raw)
        message = found[0] if isinstance(found, list) else found
        return float(message["headers"][SENT_AT])
    except (ValueError, TypeError, LookupError):
        return 0.0


def _headers() -> dict[str, Any]:
    traceparent = tracing.current_traceparent()
    return {SENT_AT: time.time()} | ({"traceparent": traceparent} if traceparent else {})


@contextmanager
def client() -> Iterator[redis.Redis]:
    """A Redis client for a few commands. Redis errors in the block become `BrokerUnavailable`."""
    try:
        with clients.connect(settings.REDIS_URL, seconds=WAIT_SECONDS) as connection:
            yield connection
    except redis.OutOfMemoryError as exc:
        raise BrokerUnavailable("Redis is out of memory: it refuses writes at its maxmemory") from exc
    except redis.ResponseError as exc:
        raise BrokerUnavailable(f"Redis refuses a command ({type(exc).__name__})") from exc
    except redis.RedisError as exc:
        raise BrokerUnavailable(f"Redis does not answer ({type(exc).__name__})") from exc
