"""The paths, in HTTP."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from ml_server.exceptions import CallerGone, ModelServerError
from ml_server.forms import FORM, read_form
from ml_server.reading import read_object
from ml_server.service import Service
from ml_server.trainer import Run

JSON = "application/json"
LINES = "application/x-ndjson"

log = logging.getLogger(__name__)


class Api:
    """The views over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def blueprint(self) -> Blueprint:
        """The paths, to be mounted under `/api/v1`."""
        paths = Blueprint("api", __name__)
        paths.add_url_rule("/predict", view_func=self.predict, methods=["POST"])
        paths.add_url_rule("/model-info", view_func=self.model_info)
        paths.add_url_rule("/status", view_func=self.status)
        paths.add_url_rule("/retrain", view_func=self.retrain, methods=["POST"])
        paths.add_url_rule("/models", view_func=self.models)
        paths.add_url_rule("/models/<name>", view_func=self.versions)
        promote = "/models/<name>/versions/<version>/promote"
        paths.add_url_rule(promote, view_func=self.promote, methods=["POST"])
        return paths

    def predict(self) -> Response:
        """The answer of the model that the body names, a JSON object or a form."""
        body = read_form(request) if request.mimetype == FORM else read_object(request.get_data())
        return as_json(self._service.predict(body))

    def model_info(self) -> Response:
        """What is served: schema, example, metrics, lineage."""
        return as_json(self._service.info())

    def status(self) -> Response:
        """How it is going."""
        return as_json(self._service.status())

    def models(self) -> Response:
        """Every model with its versions."""
        return as_json(self._service.models())

    def versions(self, name: str) -> Response:
        """One model with its versions."""
        return as_json(self._service.versions(name))

    def promote(self, name: str, version: str) -> Response:
        """Puts a version into service; an older one, which rolls back."""
        return as_json(self._service.promote(name, version))

    def retrain(self) -> Response:
        """Trains, then answers; or answers line by line where `Accept` prefers that. Hanging up cancels either."""
        body = read_object(request.get_data() or b"{}")
        run = self._service.retrain(body, request.headers.get("Idempotency-Key"))
        if request.accept_mimetypes.best_match([JSON, LINES]) == LINES:
            return _stream(run)
        return _wait(run)


def as_json(body: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    """A response of one JSON object."""
    return Response(json.dumps(body), status, mimetype=JSON)


def _wait(run: Run) -> Response:
    has_gone = request.environ.get("waitress.client_disconnected", bool)
    for _ in run:
        if has_gone():
            run.close()
            raise CallerGone("the caller hung up")
    return as_json(run.answer)


def _stream(run: Run) -> Response:
    response = Response(_lines(run), mimetype=LINES)
    # Called also when the caller hung up before the first line, where a generator's own `finally` would never run.
    response.call_on_close(run.close)
    return response


def _lines(run: Run) -> Iterator[bytes]:
    try:
        for progress in run:
            yield _line("progress", percent=progress.percent, message=progress.message)
        yield _line("result", **run.answer)
    except ModelServerError as exc:
        yield _line("error", status=exc.status, **exc.as_json())
    except Exception:
        log.exception("a training failed")
        yield _line("error", status=HTTPStatus.INTERNAL_SERVER_ERROR, error="the training failed")


def _line(event: str, **members: object) -> bytes:
    return json.dumps({"event": event, **members}).encode() + b"\n"
