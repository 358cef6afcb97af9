"""What can go wrong, one function each: it strikes, lasts some seconds, and is undone by the same function."""

import resource
import shutil
import signal
from contextlib import suppress

import psutil

from tools.chaos.databases import PostgresDatabase, SqliteDatabase
from tools.chaos.fault import FAULTS, fault, frozen
from tools.chaos.stage import JOURNAL_BYTES, Stage

__all__ = ["FAULTS"]  # all that are below

RUSH_SECONDS = 0.4  # of full load before the gateway is killed: what is half done then is what could be lost


@fault("kill the gateway", "web")
def kill_gateway(stage: Stage, _seconds: float) -> None:
    """Granian's main process; its workers end with it."""
    with stage.rushed(RUSH_SECONDS):
        stage.end("web")


@fault("kill a gateway process", "web")
def kill_gateway_process(stage: Stage, _seconds: float) -> None:
    """One of granian's workers."""
    with stage.rushed(RUSH_SECONDS):
        _kill_child(stage, "web")


@fault("kill the publisher", "publisher")
def kill_publisher(stage: Stage, _seconds: float) -> None:
    """With messages on their way; the next one begins with what the database has confirmed."""
    with stage.rushed(RUSH_SECONDS):
        stage.end("publisher")


@fault("freeze the publisher", "publisher")
def freeze_publisher(stage: Stage, seconds: float) -> None:
    """It holds the folder's lock and sends nothing."""
    with frozen(stage.family("publisher")):
        stage.hold(seconds)


@fault("kill a worker's child", "worker")
def kill_worker_child(stage: Stage, _seconds: float) -> None:
    """The process that writes rows."""
    _kill_child(stage, "worker-logs")


@fault("kill the worker", "worker")
def kill_worker(stage: Stage, _seconds: float) -> None:
    """Celery's main process; its child ends with it."""
    stage.end("worker-logs")


@fault("freeze the worker", "worker")
def freeze_worker(stage: Stage, seconds: float) -> None:
    """The worker with its child."""
    with frozen(stage.family("worker-logs")):
        stage.hold(seconds)


@fault("kill Redis", "redis")
def kill_redis(stage: Stage, _seconds: float) -> None:
    """It comes back with what its file holds."""
    stage.end("redis")


@fault("freeze Redis", "redis")
def freeze_redis(stage: Stage, seconds: float) -> None:
    """It accepts connections, as the kernel does for it, and answers nothing."""
    with frozen(stage.family("redis")):
        stage.hold(seconds)


@fault("Redis away, back with its files", "redis")
def restart_redis(stage: Stage, seconds: float) -> None:
    """Nobody listens for a while."""
    with stage.down("redis"):
        stage.hold(seconds)


@fault("Redis away, back empty", "redis")
def restart_redis_empty(stage: Stage, seconds: float) -> None:
    """As on a machine without a volume."""
    with stage.down("redis"):
        stage.hold(seconds)
        shutil.rmtree(stage.system.folder / "redis")


@fault("FLUSHALL", "redis")
def flush_redis(stage: Stage, _seconds: float) -> None:
    """Every message is gone, the queue itself too."""
    with stage.redis() as client:
        client.flushall()


@fault("Redis' memory full", "redis")
def fill_redis(stage: Stage, seconds: float) -> None:
    """It refuses whatever would need room."""
    with stage.redis() as client:
        client.config_set("maxmemory", 1)
        stage.hold(seconds)
        client.config_set("maxmemory", 0)


@fault("freeze PostgreSQL", "database", "postgres")
def freeze_postgres(stage: Stage, seconds: float) -> None:
    """It answers nothing, and holds every connection."""
    with frozen(_postgres(stage).processes()):
        stage.hold(seconds)


@fault("crash PostgreSQL", "database", "postgres")
def crash_postgres(stage: Stage, _seconds: float) -> None:
    """Every connection breaks; it recovers from its log."""
    _postgres(stage).server.restart_at_once()


@fault("lock SQLite", "database", "sqlite")
def lock_sqlite(stage: Stage, seconds: float) -> None:
    """Another connection writes, for three times as long."""
    assert isinstance(stage.database, SqliteDatabase)  # noqa: S101 - the plan keeps to `needs`
    stage.database.lock(lambda: stage.hold(3 * seconds))


@fault("the journal's quota filled", "journal")
def fill_journal(stage: Stage, seconds: float) -> None:
    """A file beside the segments takes all the room."""
    ballast = stage.journal / "ballast"
    with ballast.open("wb") as file:
        file.truncate(JOURNAL_BYTES)
    stage.hold(seconds)
    ballast.unlink()


@fault("the journal's disk refuses", "journal")
def refuse_journal(stage: Stage, seconds: float) -> None:
    """Neither gateway nor publisher may write to any file; with PostgreSQL, rows are then written directly."""
    _soft, hard = own = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        _limit_files(stage, (0, hard))
        stage.hold(seconds)
    finally:
        _limit_files(stage, own)  # those that were started meanwhile have inherited it


@fault("the model refuses", "model")
def refuse(stage: Stage, seconds: float) -> None:
    """Nobody listens there."""
    with stage.down("model"):
        stage.hold(seconds)


@fault("the model stalls", "model")
def stall(stage: Stage, seconds: float) -> None:
    """It accepts and never answers."""
    with frozen(stage.family("model")):
        stage.hold(seconds)


@fault("the model resets", "model")
def reset(stage: Stage, seconds: float) -> None:
    """It reads the request and resets the connection."""
    [model] = stage.family("model")
    model.send_signal(signal.SIGUSR1)
    stage.hold(seconds)
    model.send_signal(signal.SIGUSR2)


def _limit_files(stage: Stage, limit: tuple[int, int]) -> None:
    for process in (*stage.family("web"), *stage.family("publisher")):
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_FSIZE, limit)


def _kill_child(stage: Stage, name: str) -> None:
    """The last child that was started: those before it only help."""
    children = sorted(stage.family(name)[:-1], key=psutil.Process.create_time)
    for child in children[-1:]:
        child.kill()


def _postgres(stage: Stage) -> PostgresDatabase:
    assert isinstance(stage.database, PostgresDatabase)  # noqa: S101 - the plan keeps to `needs`
    return stage.database
