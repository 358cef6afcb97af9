"""The doctor's checks of the database, of Redis and of the clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import Error, connection

from common import core_dumps, database_checks
from common.database_errors import UNMIGRATED
from common.doctor import Wrong
from common.redis_server import clients

REDIS_SECONDS = 3.0
MAX_SKEW_SECONDS = 5.0  # records say when they were made; a clock further off confuses readers
_KEY = "ml-proxy:doctor"


def database() -> str:
    """Connects, and looks at the encoding, the migrations and whether it takes writes. Raises `Wrong`."""
    try:
        problem = database_checks.problem()
        version, unsafe = _version(), " and ".join(database_checks.unsafe_settings())
    except Error as exc:
        raise Wrong(_first_line(exc), "Start the database, or correct DATABASE_URL.") from None
    if problem == UNMIGRATED:
        raise Wrong(problem, "Run `manage.py migrate`.")
    if problem:
        raise Wrong(problem, "Set DATABASE_URL to a database with the encoding UTF8 that takes writes.")
    if unsafe:
        raise Wrong(f"may lose what it has confirmed if it crashes ({unsafe} off)", f"Turn on {unsafe} in PostgreSQL.")
    return f"{version}, migrated, takes writes"


def redis_server() -> str:
    """Connects, writes, and looks at what it does when memory runs out. Raises `Wrong`."""
    try:
        with clients.connect(settings.REDIS_URL, seconds=REDIS_SECONDS) as client:
            client.set(_KEY, 1, ex=60)
            memory, server = client.info("memory"), client.info("server")
    except redis.AuthenticationError:
        raise Wrong("refuses the user or the password", "Correct both in REDIS_URL.") from None
    except redis.exceptions.NoPermissionError:
        raise Wrong("refuses a command to this user", "Give the user of REDIS_URL the rights ~* &* +@all.") from None
    except redis.OutOfMemoryError:
        raise Wrong("is out of memory", "Raise its maxmemory.") from None
    except redis.ReadOnlyError:
        raise Wrong("is a replica that takes no writes", "Name the master in REDIS_URL, or use sentinel://.") from None
    except redis.RedisError as exc:
        problem = f"does not answer ({type(exc).__name__})"
        raise Wrong(problem, "Start Redis, or correct the host, port or certificate in REDIS_URL.") from None
    if (policy := memory.get("maxmemory_policy", "noeviction")) != "noeviction":
        raise Wrong(f"drops records when memory runs out ({policy})", "Set its maxmemory-policy to noeviction.")
    return f"Redis {server.get('redis_version', '')}, takes writes"


def clock() -> str:
    """Compares this machine's clock with those of the database and of Redis. Raises `Wrong`."""
    skews = {name: skew for name, read in _CLOCKS.items() if (skew := _skew(read)) is not None}
    off = {name: skew for name, skew in skews.items() if abs(skew) > MAX_SKEW_SECONDS}
    if off:
        words = " and ".join(f"{skew:+.0f} s from that of {name}" for name, skew in off.items())
        raise Wrong(f"differs by {words}", "Run a time service such as chrony on every machine.")
    return f"as that of {' and '.join(skews)}" if skews else "no other clock to compare with"


def memory() -> str:
    """Whether a crash would write this process's memory, with names and keys, to a disk. Raises `Wrong`."""
    if not core_dumps.are_disabled(also_piped=not settings.DEBUG):
        raise Wrong(
            "is written to a disk by a crash",
            "Set `ulimit -c 0`, and `sysctl kernel.core_pattern` to no pipe.",
        )
    return "a crash writes no core dump"


def _version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
        return f"{connection.display_name} {cursor.fetchone()[0]}"


def _first_line(exc: Error) -> str:
    lines = [line for line in str(exc).splitlines() if line.strip()]
    return lines[0] if lines else type(exc).__name__


def _skew(read: Callable[[], float | None]) -> float | None:
    """Seconds by which this machine's clock is ahead, or None if the other can't be read."""
    before = time.time()
    try:
        other = read()
    except (Error, redis.RedisError):
        return None
    return None if other is None else (before + time.time()) / 2 - other


def _database_seconds() -> float | None:
    if connection.vendor != "postgresql":  # a file has no clock
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC).timestamp()


def _redis_seconds() -> float:
    with clients.connect(settings.REDIS_URL, seconds=REDIS_SECONDS) as client:
        seconds, microseconds = client.time()
        return seconds + microseconds / 1e6


_CLOCKS = {"the database": _database_seconds, "Redis": _redis_seconds}
