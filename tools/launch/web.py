"""Runs the gateway under granian. On a signal it stops after the requests in progress are answered."""

import ctypes
import gc
import logging
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from common.database_checks import refuse_unusable
from common.logs import configure
from common.parent_death import die_with_parent
from tools.launch.admission.application import Admission
from tools.launch.admission.stop_signal import StopSignal
from tools.launch.admission.watchdog import Watchdog
from tools.launch.system import web_stop_seconds

log = logging.getLogger(__name__)

# The limit for the kernel's queue, and for open connections of a worker, including idle ones.
MAX_CONNECTIONS = 4096
MIN_CONNECTIONS = 256  # even if the system allows few open files
SPARE_DESCRIPTORS = 512  # for everything besides callers' connections
# A caller that sends or reads slowly holds a thread. `Admission` limits how many of them run in Django.
MAX_THREADS = 1024
IDLE_THREAD_SECONDS = 60
# glibc makes up to eight heaps per core for threads, and each heap grows to its highest use.
M_ARENA_MAX, ARENAS = -8, 2  # M_ARENA_MAX as in glibc's malloc.h
GARBAGE_THRESHOLDS = (20_000, 10, 10)  # requests leave almost no cycles; Python's default is 700 objects


def application() -> WSGIApplication:
    """Returns the WSGI application, in a granian worker process, which ends with granian's main process."""
    if (granian := multiprocessing.parent_process()) and granian.pid:
        die_with_parent(granian.pid)
    # The inherited handlers would lose a stop signal until granian installs this process's own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    loaded = Admission(import_string(settings.WSGI_APPLICATION), StopSignal().is_set)
    Watchdog(loaded.exchanges).start()
    gc.collect()
    gc.freeze()  # these objects are permanent: scanning them again would pause all threads
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    return with_header_bytes(loaded)


def with_header_bytes(wrapped: WSGIApplication) -> WSGIApplication:
    """Lets granian send the bytes of header values: WSGI decodes them as Latin-1, and granian encodes UTF-8."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            return start_response(status, [(name, _utf8(value)) for name, value in headers], *args)

        return wrapped(environ, start)

    return application


def _utf8(value: str) -> str:
    return value if value.isascii() else value.encode("latin-1").decode(errors="replace")


def _descriptors() -> int:
    """The number of open files that a worker may have: as many as it wants, or as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(MAX_CONNECTIONS + SPARE_DESCRIPTORS, soft)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def server() -> MPServer:
    """Returns granian with the gateway's settings; call `serve` with `application` as the loader."""
    return MPServer(
        settings.WSGI_APPLICATION,
        address=settings.BIND_HOST,
        port=settings.GATEWAY_PORT,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.GATEWAY_WORKERS,
        blocking_threads=MAX_THREADS,
        blocking_threads_idle_timeout=IDLE_THREAD_SECONDS,
        backlog=MAX_CONNECTIONS,
        backpressure=min(max(_descriptors() - SPARE_DESCRIPTORS, MIN_CONNECTIONS), MAX_CONNECTIONS),
        http1_settings=HTTP1Settings(header_read_timeout=int(settings.HEADER_SECONDS * 1000)),
        respawn_failed_workers=True,
        workers_kill_timeout=web_stop_seconds(),
        log_level=LogLevels.error,
        log_access=False,
        log_dictconfig=settings.LOGGING,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    configure(settings.LOGGING)
    refuse_unusable()
    try:
        server().serve(target_loader=application, wrap_loader=False)
    except Exception:
        log.exception("the gateway ends: granian's main process failed")
        # Python would wait for granian's threads, which wait for the workers. They end with this process.
        os._exit(1)
