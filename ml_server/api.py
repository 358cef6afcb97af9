"""The four paths, in HTTP."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from ml_server.exceptions import CallerGone, ModelServerError
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
        return paths

    def predict(self) -> Response:
        """The model's answer to the body's `features`."""
        return as_json(self._service.predict(read_object(request.get_data())))

    def model_info(self) -> Response:
        """What is served: schema, example, metrics, lineage."""
        return as_json(self._service.info())

    def status(self) -> Response:
        """How it is going."""
        return as_json(self._service.status())

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
