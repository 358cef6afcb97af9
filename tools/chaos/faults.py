"""The faults, one function each: it injects the fault, waits some seconds, and undoes it."""

import shutil
import signal
from random import Random

import tools.chaos.journal_faults  # noqa: F401 - registers the faults of the journal
from tests.support.processes import frozen
from tools.chaos.databases import PostgresDatabase, SqliteDatabase
from tools.chaos.fault import FAULTS, fault, kill_child
from tools.chaos.testbed import Testbed

__all__ = ["FAULTS"]  # filled by the decorators below

FULL_LOAD_SECONDS = 0.4  # of full load before a kill: requests in progress are the ones that could be lost
SLOW_BYTES_PER_SECOND = 20_000  # a quarter of what the load needs
AWAY_FACTOR = 20  # times a fault's seconds


@fault("kill the gateway", "web")
def kill_gateway(testbed: Testbed, _seconds: float) -> None:
    """Kills granian's main process; its workers end with it."""
    with testbed.under_full_load(FULL_LOAD_SECONDS):
        testbed.kill("web")


@fault("kill a gateway process", "web")
def kill_gateway_process(testbed: Testbed, _seconds: float) -> None:
    """Kills one of granian's workers."""
    with testbed.under_full_load(FULL_LOAD_SECONDS):
        kill_child(testbed, "web")


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
    kill_child(testbed, "worker-logs")


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


@fault("a slow link to Redis", "redis")
def slow_link(testbed: Testbed, seconds: float) -> None:
    """A batch of records takes seconds, so some commands run into their timeouts."""
    with testbed.link.slow(SLOW_BYTES_PER_SECOND):
        testbed.wait(2 * seconds)


@fault("freeze PostgreSQL", "database", "postgres")
def freeze_postgres(testbed: Testbed, seconds: float) -> None:
    """PostgreSQL does not answer, and keeps its connections open."""
    with frozen(_postgres(testbed).processes()):
        testbed.wait(seconds)


@fault("crash PostgreSQL", "database", "postgres")
def crash_postgres(testbed: Testbed, _seconds: float) -> None:
    """All connections break; PostgreSQL recovers from its WAL."""
    _postgres(testbed).server.restart_at_once()


@fault("PostgreSQL away", "database", "postgres")
def stop_postgres(testbed: Testbed, seconds: float) -> None:
    """Connections are refused, for up to a minute."""
    with _postgres(testbed).server.stopped():
        testbed.wait(AWAY_FACTOR * seconds)


@fault("PostgreSQL read-only", "database", "postgres")
def lock_postgres(testbed: Testbed, seconds: float) -> None:
    """Every transaction is read-only, as on a standby."""
    with _postgres(testbed).read_only():
        testbed.wait(2 * seconds)


@fault("lock SQLite", "database", "sqlite")
def lock_sqlite(testbed: Testbed, seconds: float) -> None:
    """Another connection holds the write lock, for three times as long."""
    assert isinstance(testbed.database, SqliteDatabase)  # noqa: S101 - the plan respects `needs`
    testbed.database.lock(lambda: testbed.wait(3 * seconds))


@fault("upgrade: gateway, then worker", "web")
def restart_gateway_first(testbed: Testbed, _seconds: float) -> None:
    """Both are asked to stop while requests are in progress, and start again."""
    _restart(testbed, "web", "worker-logs")


@fault("upgrade: worker, then gateway", "worker")
def restart_worker_first(testbed: Testbed, _seconds: float) -> None:
    """The other order."""
    _restart(testbed, "worker-logs", "web")


@fault("the clock steps", "clock", "clock")
def step_clock(testbed: Testbed, seconds: float) -> None:
    """The product's wall clock is an hour ahead for a while, or behind, and then steps back."""
    assert testbed.clock is not None  # noqa: S101 - the plan respects `needs`
    rng = Random(seconds)  # noqa: S311 - the plan's seed chose the seconds
    with testbed.clock.stepped(rng.choice([-3600, 3600])):
        testbed.wait(seconds)


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


def _restart(testbed: Testbed, *names: str) -> None:
    for name in names:
        with testbed.under_full_load(FULL_LOAD_SECONDS):
            testbed.restart(name)


def _postgres(testbed: Testbed) -> PostgresDatabase:
    assert isinstance(testbed.database, PostgresDatabase)  # noqa: S101 - the plan respects `needs`
    return testbed.database
