"""The faults, one function each: it injects the fault, waits some seconds, and undoes it."""

import resource
import shutil
import signal
from contextlib import suppress

import psutil

from tools.chaos.databases import PostgresDatabase, SqliteDatabase
from tools.chaos.fault import FAULTS, fault, frozen
from tools.chaos.testbed import JOURNAL_BYTES, Testbed

__all__ = ["FAULTS"]  # filled by the decorators below

FULL_LOAD_SECONDS = 0.4  # of full load before a kill: requests in progress are the ones that could be lost


@fault("kill the gateway", "web")
def kill_gateway(testbed: Testbed, _seconds: float) -> None:
    """Kills granian's main process; its workers end with it."""
    with testbed.under_full_load(FULL_LOAD_SECONDS):
        testbed.kill("web")


@fault("kill a gateway process", "web")
def kill_gateway_process(testbed: Testbed, _seconds: float) -> None:
    """Kills one of granian's workers."""
    with testbed.under_full_load(FULL_LOAD_SECONDS):
        _kill_child(testbed, "web")


@fault("kill the publisher", "publisher")
def kill_publisher(testbed: Testbed, _seconds: float) -> None:
    """Kills it while messages are in progress; the next publisher continues from the heads in the database."""
    with testbed.under_full_load(FULL_LOAD_SECONDS):
        testbed.kill("publisher")


@fault("freeze the publisher", "publisher")
def freeze_publisher(testbed: Testbed, seconds: float) -> None:
    """The frozen publisher holds the folder's lock and sends nothing."""
    with frozen(testbed.family("publisher")):
        testbed.wait(seconds)


@fault("kill a worker's child", "worker")
def kill_worker_child(testbed: Testbed, _seconds: float) -> None:
    """Kills the process that writes rows."""
    _kill_child(testbed, "worker-logs")


@fault("kill the worker", "worker")
def kill_worker(testbed: Testbed, _seconds: float) -> None:
    """Kills Celery's main process; its child ends with it."""
    testbed.kill("worker-logs")


@fault("freeze the worker", "worker")
def freeze_worker(testbed: Testbed, seconds: float) -> None:
    """Freezes the worker and its child."""
    with frozen(testbed.family("worker-logs")):
        testbed.wait(seconds)


@fault("kill Redis", "redis")
def kill_redis(testbed: Testbed, _seconds: float) -> None:
    """Redis restarts with the contents of its append-only file."""
    testbed.kill("redis")


@fault("freeze Redis", "redis")
def freeze_redis(testbed: Testbed, seconds: float) -> None:
    """The kernel accepts connections, but Redis does not answer."""
    with frozen(testbed.family("redis")):
        testbed.wait(seconds)


@fault("Redis away, back with its files", "redis")
def restart_redis(testbed: Testbed, seconds: float) -> None:
    """Connections are refused for a while."""
    with testbed.stopped("redis"):
        testbed.wait(seconds)


@fault("Redis away, back empty", "redis")
def restart_redis_empty(testbed: Testbed, seconds: float) -> None:
    """Redis loses its data, as without a volume."""
    with testbed.stopped("redis"):
        testbed.wait(seconds)
        shutil.rmtree(testbed.system.folder / "redis")


@fault("FLUSHALL", "redis")
def flush_redis(testbed: Testbed, _seconds: float) -> None:
    """All messages and the queue are deleted."""
    with testbed.redis() as client:
        client.flushall()


@fault("Redis' memory full", "redis")
def fill_redis(testbed: Testbed, seconds: float) -> None:
    """Redis refuses all commands that need memory."""
    with testbed.redis() as client:
        client.config_set("maxmemory", 1)
        testbed.wait(seconds)
        client.config_set("maxmemory", 0)


@fault("freeze PostgreSQL", "database", "postgres")
def freeze_postgres(testbed: Testbed, seconds: float) -> None:
    """PostgreSQL does not answer, and keeps its connections open."""
    with frozen(_postgres(testbed).processes()):
        testbed.wait(seconds)


@fault("crash PostgreSQL", "database", "postgres")
def crash_postgres(testbed: Testbed, _seconds: float) -> None:
    """All connections break; PostgreSQL recovers from its WAL."""
    _postgres(testbed).server.restart_at_once()


@fault("lock SQLite", "database", "sqlite")
def lock_sqlite(testbed: Testbed, seconds: float) -> None:
    """Another connection holds the write lock, for three times as long."""
    assert isinstance(testbed.database, SqliteDatabase)  # noqa: S101 - the plan respects `needs`
    testbed.database.lock(lambda: testbed.wait(3 * seconds))


@fault("the journal's quota filled", "journal")
def fill_journal(testbed: Testbed, seconds: float) -> None:
    """A file beside the segments uses the whole quota."""
    ballast = testbed.journal / "ballast"
    with ballast.open("wb") as file:
        file.truncate(JOURNAL_BYTES)
    testbed.wait(seconds)
    ballast.unlink()


@fault("the journal's disk refuses", "journal")
def refuse_journal(testbed: Testbed, seconds: float) -> None:
    """Gateway and publisher can't write to any file. With PostgreSQL, the gateway then writes rows directly."""
    _soft, hard = own = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        _limit_files(testbed, (0, hard))
        testbed.wait(seconds)
    finally:
        _limit_files(testbed, own)  # new processes have inherited the limit


@fault("the model refuses", "model")
def refuse(testbed: Testbed, seconds: float) -> None:
    """Connections to the model server are refused."""
    with testbed.stopped("model"):
        testbed.wait(seconds)


@fault("the model stalls", "model")
def stall(testbed: Testbed, seconds: float) -> None:
    """The model server accepts connections and does not answer."""
    with frozen(testbed.family("model")):
        testbed.wait(seconds)


@fault("the model resets", "model")
def reset(testbed: Testbed, seconds: float) -> None:
    """The model server reads the request and resets the connection."""
    [model] = testbed.family("model")
    model.send_signal(signal.SIGUSR1)
    testbed.wait(seconds)
    model.send_signal(signal.SIGUSR2)


def _limit_files(testbed: Testbed, limit: tuple[int, int]) -> None:
    for process in (*testbed.family("web"), *testbed.family("publisher")):
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_FSIZE, limit)


def _kill_child(testbed: Testbed, name: str) -> None:
    """Kills the child that was started last: the earlier ones are helpers."""
    children = sorted(testbed.family(name)[:-1], key=psutil.Process.create_time)
    for child in children[-1:]:
        child.kill()


def _postgres(testbed: Testbed) -> PostgresDatabase:
    assert isinstance(testbed.database, PostgresDatabase)  # noqa: S101 - the plan respects `needs`
    return testbed.database
