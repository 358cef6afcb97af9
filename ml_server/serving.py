"""Sockets and threads: the application behind waitress, in this one process."""

import json
import logging
import socket
import sys
from threading import Event
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from ml_server.app import MAX_BODY_BYTES, create_app
from ml_server.exceptions import NotSaved
from ml_server.logs import log_to_stderr
from ml_server.settings import Settings

WAITRESS = {
    "threads": 16,  # a training holds one of them for as long as it lasts
    "connection_limit": 1000,
    "asyncore_use_poll": True,  # select() can't take that many
    "channel_request_lookahead": 1,  # or a caller's hanging up is noticed only after the answer
    "max_request_body_size": 4 * MAX_BODY_BYTES,  # above the application's cap, whose answer a caller can still read
    "max_request_header_size": 64 * 1024,
    "ident": "",  # no Server header
}

log = logging.getLogger(__name__)


class JSONErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """Answers what never reaches the application, such as broken HTTP, in JSON as well."""

    def execute(self) -> None:
        """Sends the error and closes the connection."""
        error = self.request.error
        body = json.dumps({"error": error.reason.lower()}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection."""

    error_task_class = JSONErrorTask


def serve(settings: Settings, stopping: Event) -> None:
    """Serves until a signal; ends the process with one line where it can't."""
    log_to_stderr(settings.log_level, settings.log_format)
    listener = _listen(settings)
    try:
        app = create_app(settings.models, stopping, images=settings.images)
    except (OSError, NotSaved):
        sys.exit("VAR_DIR can't hold the models: set it to a folder on a disk with room that this process may write to")
    _run(app, listener)


def _run(app: Flask, listener: socket.socket) -> None:
    server: Any = create_server(app, sockets=[listener], **WAITRESS)
    server.channel_class = Channel
    label = app.extensions["ml_server"].model.label
    log.info("%s version %s is served on http://%s:%s", label["name"], label["version"], *listener.getsockname()[:2])
    server.run()  # returns once a signal has come and the threads have ended


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as exc:
        where = f"ML_SERVER_PORT {settings.port} can't be had on BIND_HOST {settings.host} ({exc.strerror})"
        sys.exit(f"{where}: stop what listens there, or set another")
    return listener
