"""The Flask application: the paths, one handler for all that goes wrong, the cap on bodies, the log."""

import logging
import traceback
from http import HTTPStatus
from pathlib import Path
from threading import Event

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from ml_server.access_log import log_requests
from ml_server.api import Api, as_json
from ml_server.exceptions import ModelServerError
from ml_server.forms import Request
from ml_server.service import Service
from ml_server.tracing import trace_requests

MAX_BODY_BYTES = 10 * 1024 * 1024

log = logging.getLogger(__name__)


def create_app(models: Path, stopping: Event | None = None, *, images: Path | None = None) -> Flask:
    """The application over the state folder `models`; `stopping` ends a training once it is set.

    Where the folder holds no version of the default model that can serve, one is trained first. `images` is the one
    folder that a body's `image_path` may name files in.
    """
    service = Service(models, stopping or Event(), images=images)
    app = Flask(__name__, static_folder=None)
    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # a redirect would be an answer that is not JSON
    app.register_blueprint(Api(service).blueprint(), url_prefix="/api/v1")
    app.register_error_handler(Exception, answer_error)
    log_requests(app, service.stats)
    trace_requests(app)
    app.extensions["ml_server"] = service
    return app


def answer_error(exc: Exception) -> Response:
    """Any exception as `{"error": …}` with its status; one that nobody foresaw is logged, without what it says."""
    if isinstance(exc, ModelServerError):
        return as_json(exc.as_json(), exc.status)
    if isinstance(exc, HTTPException):
        return _answer_http(exc)
    # Its text may quote a body.
    log.error("%s\n%s", type(exc).__qualname__, "".join(traceback.format_tb(exc.__traceback__)))
    return as_json({"error": "something went wrong here"}, HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer_http(exc: HTTPException) -> Response:
    status = HTTPStatus(exc.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    error = f"the body may have at most {MAX_BODY_BYTES} bytes" if too_large else status.phrase.lower()
    response = as_json({"error": error}, status)
    response.headers.extend((name, value) for name, value in exc.get_headers() if name == "Allow")
    return response
