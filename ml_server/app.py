"""The Flask application: routes, one error handler, the limit on request bodies, logging."""

import logging
import traceback
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import Event
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from ml_server import problem_details
from ml_server.access import Guard
from ml_server.access_log import log_requests
from ml_server.api import Api, json_response
from ml_server.exceptions import ModelServerError
from ml_server.form_body import Request
from ml_server.service import Service
from ml_server.tracing import trace_requests

MAX_BODY_BYTES = 10 * 1024 * 1024

log = logging.getLogger(__name__)


def create_app(
    model_dir: Path,
    stopping: Event | None = None,
    *,
    image_dir: Path | None = None,
    weights: Path | None = None,
    read_token: Callable[[], str] = str,
) -> Flask:
    """Creates the application, which keeps its models in `model_dir`.

    If no version of the default model can serve, one is trained first. `stopping` ends a running training once it is
    set. `image_dir` is the only folder from which a body's `image_path` may read. `weights` may hold, now or later, the
    weights of models in `models/`. `read_token` returns the secret that
    allows others than this machine to change a model; empty for none.
    """
    service = Service(model_dir, stopping or Event(), image_dir=image_dir, weights=weights)
    app = Flask(__name__, static_folder=None)
    app.request_class = Request
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # a redirect would be a response that is not JSON
    app.register_blueprint(Api(service, Guard(read_token)).blueprint(), url_prefix="/api/v1")
    app.register_error_handler(Exception, error_response)
    log_requests(app, service.stats)
    trace_requests(app)
    app.extensions["ml_server"] = service
    return app


def error_response(exc: Exception) -> Response:
    """Turns any exception into `{"error": …}` with its status, or into problem+json if the caller asks for that.

    An unexpected one is logged without its message.
    """
    if isinstance(exc, ModelServerError):
        return _in_wanted_shape(exc.as_json(), exc.status)
    if isinstance(exc, HTTPException):
        return _http_error_response(exc)
    # The message may quote a request body.
    log.error("%s\n%s", type(exc).__qualname__, "".join(traceback.format_tb(exc.__traceback__)))
    error = "internal error: look for its traceback in the log of the model server"
    return _in_wanted_shape({"error": error}, HTTPStatus.INTERNAL_SERVER_ERROR)


def _in_wanted_shape(body: dict[str, Any], status: int) -> Response:
    if not problem_details.is_wanted():
        return json_response(body, status)
    response = json_response(problem_details.as_problem(body, status), status)
    response.content_type = problem_details.PROBLEM
    return response


def _http_error_response(exc: HTTPException) -> Response:
    status = HTTPStatus(exc.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    is_too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    error = f"the body is too large: send at most {MAX_BODY_BYTES} bytes" if is_too_large else status.phrase.lower()
    response = _in_wanted_shape({"error": error}, status)
    response.headers.extend((name, value) for name, value in exc.get_headers() if name == "Allow")
    return response
