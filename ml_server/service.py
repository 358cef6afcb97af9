"""The operations of the server, independent of HTTP: predict, describe, train, promote."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

from ml_server.batching import BatchPredictor
from ml_server.handlers import handler_factories
from ml_server.model_version import ModelVersion
from ml_server.params import RETRAIN_SCHEMA
from ml_server.recipes import RECIPES
from ml_server.registry import Registry
from ml_server.resources import ResourceUsage, gpu_state
from ml_server.stats import Stats
from ml_server.trainer import Trainer, TrainingRun
from ml_server.training_request import TrainingRequest
from ml_server.validation import SchemaValidator

SHIPPED_MODELS = Path(__file__).resolve().parent.parent / "models"


class Service:
    """The models and their training. Thread-safe."""

    def __init__(
        self,
        model_dir: Path,
        stopping: Event,
        *,
        image_dir: Path | None = None,
        shipped: Path = SHIPPED_MODELS,
        weights: Path | None = None,
    ) -> None:
        """Opens `model_dir` and imports the models in `shipped`. Trains the default model if it can't serve.

        `image_dir` is the only folder from which a body's `image_path` may read. `weights` is the folder to which the
        weights of shipped models are fetched, perhaps later.
        """
        self.stats = Stats()
        self._model_dir = model_dir
        self._resources = ResourceUsage()
        self._registry = Registry(
            model_dir, handler_factories(image_dir), names=RECIPES, shipped=shipped, weights=weights
        )
        self.batches = BatchPredictor(self._registry, self.stats)
        self._trainer = Trainer(self._registry, RECIPES, stopping)
        self._retrain_validator = SchemaValidator(RETRAIN_SCHEMA)
        if not self._registry.store(self._registry.default).serving:
            list(self._trainer.start(TrainingRequest.from_body({})))

    @property
    def default_version(self) -> ModelVersion:
        """The default model's serving version."""
        return self._registry.version_for({})

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns `{"model": {"name", "version"}, "predictions": [{"label", "confidence"}, …]}`, best first.

        Raises:
            UnknownModel: there is no such model or version.
            NoServingVersion, VersionRefused: the model or version can't serve.
            Unprocessable: a field that the model needs is missing or invalid.
        """
        started = perf_counter()
        self._registry.import_arrived()
        version = self._registry.version_for(body)
        answer = {"model": version.identity, "predictions": version.predict(body)}
        self.stats.add_prediction(version.name, perf_counter() - started)
        return answer

    def info(self) -> dict[str, Any]:
        """The metadata of every serving version; at the top, the default model's name and version."""
        self._registry.import_arrived()
        return {**self.default_version.identity, "models": [each.metadata for each in self._registry.serving()]}

    def models(self) -> dict[str, Any]:
        """Every model with its versions."""
        self._registry.import_arrived()
        return {"models": [self._registry.describe(name) for name in self._registry.names]}

    def versions(self, name: str) -> dict[str, Any]:
        """One model with its versions. Raises `UnknownModel`."""
        return self._registry.describe(name)

    def promote(self, name: str, version: str) -> dict[str, Any]:
        """Makes a version the serving one. Raises `UnknownModel`, `VersionRefused`, `SaveFailed`."""
        store = self._registry.store(name)
        previous = store.serving.version if store.serving else None
        return {"model": store.promote(version).identity, "previous": previous}

    def status(self) -> dict[str, Any]:
        """The state of the server, for operators and health checks."""
        self._registry.import_arrived()
        return {
            "status": "ok",
            "model": self.default_version.identity,
            "training": {"running": self._trainer.is_running},
            **self.stats.as_json(),
            "models": [
                {**version.identity, "provider": version.handler.provider, **self.stats.of_model(version.name)}
                for version in self._registry.serving()
            ],
            **self._resources.as_json(),
        }

    def health(self) -> dict[str, Any]:
        """Resources of the machine, and states of the models and the GPU.

        `status` is `healthy`; `degraded` if some model can't serve; `unhealthy` if that is the default model.
        """
        self._registry.import_arrived()
        models = self._registry.states()
        ready = {each["name"] for each in models if each["state"] == "ready"}
        status = "healthy" if len(ready) == len(models) else "degraded"
        return {
            "status": status if self._registry.default in ready else "unhealthy",
            "models": models,
            "training": {"running": self._trainer.is_running},
            "resources": self._resources.of_machine(self._model_dir),
            "gpu": gpu_state(),
        }

    def retrain(self, body: Mapping[str, Any], idempotency_key: str | None) -> TrainingRun:
        """Starts a training from `{"model", "params", "examples"}`, all optional.

        Raises:
            UnknownModel: there is no model with the body's name.
            Unprocessable: a parameter is unknown or out of range, or see `Trainer.start`.
            TrainingInProgress, IdempotencyKeyReused, NoServingVersion: see `Trainer.start`.
        """
        self._registry.store_for(body)
        self._retrain_validator.validate(body)
        return self._trainer.start(TrainingRequest.from_body(body, idempotency_key))
