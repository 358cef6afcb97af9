"""The HTTP views."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from ml_server.access import Guard
from ml_server.exceptions import ClientDisconnected, ModelServerError
from ml_server.form_body import MULTIPART, read_form
from ml_server.json_body import read_json_object
from ml_server.service import Service
from ml_server.trainer import TrainingRun

JSON = "application/json"
NDJSON = "application/x-ndjson"

log = logging.getLogger(__name__)


class Api:
    """The views of one service; `guard` protects those that change a model."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    def blueprint(self) -> Blueprint:
        """The routes, to be mounted under `/api/v1`."""
        protect = self._guard.protect
        routes = Blueprint("api", __name__)
        routes.add_url_rule("/predict", view_func=self.predict, methods=["POST"])
        routes.add_url_rule("/model-info", view_func=self.model_info)
        routes.add_url_rule("/status", view_func=self.status)
        routes.add_url_rule("/health", view_func=self.health)
        routes.add_url_rule("/retrain", view_func=protect(self.retrain), methods=["POST"])
        routes.add_url_rule("/models", view_func=self.models)
        routes.add_url_rule("/models/<name>", view_func=self.versions)
        promote = "/models/<name>/versions/<version>/promote"
        routes.add_url_rule(promote, view_func=protect(self.promote), methods=["POST"])
        return routes

    def predict(self) -> Response:
        """Predicts with the model that the body names. The body is a JSON object or a multipart form."""
        is_form = request.mimetype == MULTIPART
        body = read_form(request) if is_form else read_json_object(request.get_data())
        return json_response(self._service.predict(body))

    def model_info(self) -> Response:
        """Describes the serving version of each model: schema, example, metrics, lineage."""
        return json_response(self._service.info())

    def status(self) -> Response:
        """Reports versions, request counts, latencies and resource usage."""
        return json_response(self._service.status())

    def health(self) -> Response:
        """Reports the machine's resources, and the state of models and GPU. 503 if the default model can't serve."""
        health = self._service.health()
        status = HTTPStatus.OK if health["status"] != "unhealthy" else HTTPStatus.SERVICE_UNAVAILABLE
        return json_response(health, status)

    def models(self) -> Response:
        """Lists every model with its versions."""
        return json_response(self._service.models())

    def versions(self, name: str) -> Response:
        """Lists the versions of one model."""
        return json_response(self._service.versions(name))

    def promote(self, name: str, version: str) -> Response:
        """Makes a version the serving one. With an older version this is a rollback."""
        return json_response(self._service.promote(name, version))

    def retrain(self) -> Response:
        """Trains, then responds; streams progress where `Accept` prefers NDJSON. A disconnect cancels the training."""
        body = read_json_object(request.get_data() or b"{}")
        run = self._service.retrain(body, request.headers.get("Idempotency-Key"))
        if request.accept_mimetypes.best_match([JSON, NDJSON]) == NDJSON:
            return _stream(run)
        return _wait(run)


def json_response(body: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    """A response that holds one JSON object."""
    return Response(json.dumps(body), status, mimetype=JSON)


def _wait(run: TrainingRun) -> Response:
    is_disconnected = request.environ.get("waitress.client_disconnected", bool)
    for _ in run:
        if is_disconnected():
            run.close()
            raise ClientDisconnected("the client disconnected, so the training is cancelled")
    return json_response(run.result)


def _stream(run: TrainingRun) -> Response:
    response = Response(_lines(run), mimetype=NDJSON)
    # Called even if the client disconnects before the first line. A generator's `finally` would not run then.
    response.call_on_close(run.close)
    return response


def _lines(run: TrainingRun) -> Iterator[bytes]:
    try:
        for progress in run:
            yield _line("progress", percent=progress.percent, message=progress.message)
        yield _line("result", **run.result)
    except ModelServerError as exc:
        yield _line("error", status=exc.status, **exc.as_json())
    except Exception:
        log.exception("the training failed")
        error = "the training failed: look for its traceback in the log of the model server"
        yield _line("error", status=HTTPStatus.INTERNAL_SERVER_ERROR, error=error)


def _line(event: str, **members: object) -> bytes:
    return json.dumps({"event": event, **members}).encode() + b"\n"
