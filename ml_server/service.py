"""What the server does, without HTTP: which model answers, what it says of itself, who may train it."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

from ml_server.checking import Checker
from ml_server.exceptions import BrokenModel, UnknownModel
from ml_server.model import Model
from ml_server.orders import place_order
from ml_server.params import RETRAIN_SCHEMA
from ml_server.shelf import Shelf
from ml_server.stats import Stats
from ml_server.trainer import Run, Trainer

NAME = "breast-cancer-wisconsin"


class Service:
    """One model and its training. Any number of threads may call it."""

    def __init__(self, models: Path, stopping: Event) -> None:
        """Opens the folder `models`; where no version in it can serve, trains one first, which takes a second."""
        self.stats = Stats()
        self._shelf = Shelf(models / NAME)
        self._trainer = Trainer(NAME, self._shelf, stopping)
        self._retrain_checker = Checker(RETRAIN_SCHEMA)
        if not self._shelf.serving:
            list(self._trainer.start(place_order({})))

    @property
    def model(self) -> Model:
        """The version in service. Read it once per request: it may be another at the next look."""
        if not self._shelf.serving:
            raise BrokenModel("no version is in service")
        return self._shelf.serving

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"model": {"name", "version"}, "predictions": [{"label", "confidence"}, …]}`, surest first.

        Raises:
            UnknownModel: `body` asks for another model.
            Unprocessable: its features can't be used.
        """
        started = perf_counter()
        self._check_name(body)
        model = self.model
        answer = {"model": model.label, "predictions": model.predict(body)}
        self.stats.add_prediction(perf_counter() - started)
        return answer

    def info(self) -> dict[str, Any]:
        """Every model's card, and on top the default model's name and version."""
        model = self.model
        return {**model.label, "models": [model.card]}

    def status(self) -> dict[str, Any]:
        """What runs here, for operators and health checks."""
        training = {"running": self._trainer.is_running}
        return {"status": "ok", "model": self.model.label, "training": training, **self.stats.as_json()}

    def retrain(self, body: Mapping[str, Any], key: str | None) -> Run:
        """Starts a training of `{"model", "params"}`, both optional; `key` names the request.

        Raises:
            UnknownModel: `body` asks for another model.
            Unprocessable: an unknown parameter, or one out of its range.
            Busy, KeyReused: see `Trainer.start`.
        """
        self._check_name(body)
        self._retrain_checker.check(body)
        return self._trainer.start(place_order(body, key))

    def _check_name(self, body: Mapping[str, Any]) -> None:
        name = body.get("model", NAME)
        if isinstance(name, str) and name != NAME:
            raise UnknownModel(f"there is no model of this name; known: {NAME}")
