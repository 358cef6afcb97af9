"""The HTTP server: runs the application under waitress, in this one process."""

import json
import logging
import socket
import sys
from threading import Event
from typing import Any

from flask import Flask
from waitress.server import create_server
from waitress.task import ErrorTask

from ml_server import tracing
from ml_server.app import MAX_BODY_BYTES, create_app
from ml_server.dispatcher import BatchChannel, BatchingDispatcher
from ml_server.exceptions import SaveFailed
from ml_server.logs import log_to_stderr
from ml_server.settings import Settings

WAITRESS = {
    "threads": 16,  # a training occupies one of them as long as it runs
    "connection_limit": 1000,
    "asyncore_use_poll": True,  # select() can't handle that many
    "channel_request_lookahead": 1,  # otherwise a disconnect is noticed only after the response
    "max_request_body_size": 4 * MAX_BODY_BYTES,  # above the application's limit, whose error a client can still read
    "max_request_header_size": 64 * 1024,
    "ident": "",  # no Server header
}

log = logging.getLogger(__name__)


class JSONErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """Responds in JSON to requests that never reach the application, such as invalid HTTP."""

    def execute(self) -> None:
        """Sends the error and closes the connection."""
        error = self.request.error
        body = json.dumps({"error": error.reason.lower()}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


class Channel(BatchChannel):
    """A connection."""

    error_task_class = JSONErrorTask


def serve(settings: Settings, stopping: Event) -> None:
    """Serves until a signal arrives. Exits with one line if it can't start."""
    log_to_stderr(settings.log_level, settings.log_format)
    listener = _listen(settings)
    try:
        app = create_app(
            settings.model_dir,
            stopping,
            image_dir=settings.image_dir,
            weights=settings.weights_dir,
            read_token=settings.token,
        )
    except (OSError, SaveFailed):
        sys.exit("VAR_DIR can't store the models: set it to a writable folder on a disk with free space")
    # A span needs the request's trace, which only Flask's hooks read.
    _run(app, listener, 1 if tracing.IS_ON else settings.batch_size)


def _run(app: Flask, listener: socket.socket, batch_size: int) -> None:
    service = app.extensions["ml_server"]
    dispatcher = BatchingDispatcher(service.batches.answer, batch_size)
    dispatcher.set_thread_count(WAITRESS["threads"])
    server: Any = create_server(app, sockets=[listener], _dispatcher=dispatcher, **WAITRESS)
    server.channel_class = Channel
    server.pull_trigger = dispatcher.outside_the_loop(server.pull_trigger)
    model = service.default_version.identity
    log.info("%s version %s is served on http://%s:%s", model["name"], model["version"], *listener.getsockname()[:2])
    try:
        while True:
            server.asyncore.loop(server.adj.asyncore_loop_timeout, use_poll=True, map=server._map, count=1)  # noqa: SLF001
            dispatcher.answer_gathered()
    except SystemExit:  # after a signal
        dispatcher.answer_gathered()
        dispatcher.shutdown()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as exc:
        problem = f"can't listen on ML_SERVER_PORT {settings.port} of BIND_HOST {settings.host} ({exc.strerror})"
        sys.exit(f"{problem}: stop the process that uses this port, or set another port")
    return listener
