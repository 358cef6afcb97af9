"""What the server does, without HTTP: which model answers, what each says of itself, who may train it."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

from ml_server.checking import Checker
from ml_server.courses import COURSES
from ml_server.handlers import handlers
from ml_server.machine import Machine
from ml_server.model import Model
from ml_server.orders import place_order
from ml_server.params import RETRAIN_SCHEMA
from ml_server.registry import Registry
from ml_server.stats import Stats
from ml_server.trainer import Run, Trainer

SHIPPED = Path(__file__).resolve().parent.parent / "models"


class Service:
    """The models and their training. Any number of threads may call it."""

    def __init__(self, models: Path, stopping: Event, *, images: Path | None = None, shipped: Path = SHIPPED) -> None:
        """Opens the folder `models`, takes in what `shipped` holds, and trains the default model where it can't serve.

        `images` is the one folder that a body's `image_path` may name files in.
        """
        self.stats = Stats()
        self._machine = Machine()
        self._registry = Registry(models, handlers(images), names=COURSES, shipped=shipped)
        self._trainer = Trainer(self._registry, COURSES, stopping)
        self._retrain_checker = Checker(RETRAIN_SCHEMA)
        if not self._registry.shelf(self._registry.default).serving:
            list(self._trainer.start(place_order({})))

    @property
    def model(self) -> Model:
        """The default model's version in service."""
        return self._registry.model({})

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"model": {"name", "version"}, "predictions": [{"label", "confidence"}, …]}`, surest first.

        Raises:
            UnknownModel: there is no such model, or no such version.
            NotServing, Refused: there is, but it can't serve.
            Unprocessable: what it needs of the body can't be used.
        """
        started = perf_counter()
        model = self._registry.model(body)
        answer = {"model": model.label, "predictions": model.predict(body)}
        self.stats.add_prediction(model.name, perf_counter() - started)
        return answer

    def info(self) -> dict[str, Any]:
        """Every model's card, and on top the default model's name and version."""
        return {**self.model.label, "models": [model.card for model in self._registry.serving()]}

    def models(self) -> dict[str, Any]:
        """Every model with its versions."""
        return {"models": [self._registry.describe(name) for name in self._registry.known]}

    def versions(self, name: str) -> dict[str, Any]:
        """One model with its versions. Raises `UnknownModel`."""
        return self._registry.describe(name)

    def promote(self, name: str, version: str) -> dict[str, Any]:
        """Puts a version into service, an older one as well. Raises `UnknownModel`, `Refused`, `NotSaved`."""
        shelf = self._registry.shelf(name)
        previous = shelf.serving.version if shelf.serving else None
        return {"model": shelf.promote(version).label, "previous": previous}

    def status(self) -> dict[str, Any]:
        """What runs here, for operators and health checks."""
        return {
            "status": "ok",
            "model": self.model.label,
            "training": {"running": self._trainer.is_running},
            **self.stats.as_json(),
            "models": [
                {**model.label, "provider": model.handler.provider, **self.stats.of(model.name)}
                for model in self._registry.serving()
            ],
            **self._machine.as_json(),
        }

    def retrain(self, body: Mapping[str, Any], key: str | None) -> Run:
        """Starts a training of `{"model", "params", "examples"}`, all optional; `key` names the request.

        Raises:
            UnknownModel: `body` asks for another model.
            Unprocessable: an unknown parameter, one out of its range, or see `Trainer.start`.
            Busy, KeyReused, NotServing: see `Trainer.start`.
        """
        self._registry.named(body)
        self._retrain_checker.check(body)
        return self._trainer.start(place_order(body, key))
