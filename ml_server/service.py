"""The operations of the server, independent of HTTP: predict, describe, train, promote."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

from ml_server.batching import BatchPredictor
from ml_server.exceptions import SaveFailed
from ml_server.handlers import handler_factories
from ml_server.model_version import ModelVersion
from ml_server.params import RETRAIN_SCHEMA
from ml_server.promotion_log import BY_PERSON, Promotion
from ml_server.recipes import RECIPES
from ml_server.registry import Registry
from ml_server.resources import ResourceUsage, gpu_state
from ml_server.stats import Stats
from ml_server.trainer import Trainer, TrainingRun
from ml_server.training_request import TrainingRequest
from ml_server.validation import SchemaValidator

MAX_FORGOTTEN = 1000  # inferences in one request
PROMOTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "promoted_by": {"type": "string"}},
}
FORGET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["inference_ids"],
    "properties": {"inference_ids": {"type": "array", "maxItems": MAX_FORGOTTEN}},
}
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
        self._promotion_validator = SchemaValidator(PROMOTION_SCHEMA)
        self._forget_validator = SchemaValidator(FORGET_SCHEMA)
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
        return {**self.default_version.identity, "models": self._registry.published()}

    def models(self) -> dict[str, Any]:
        """Every model with its versions."""
        self._registry.import_arrived()
        return {"models": [self._registry.describe(name) for name in self._registry.names]}

    def versions(self, name: str) -> dict[str, Any]:
        """One model with its versions. Raises `UnknownModel`."""
        return self._registry.describe(name)

    def version(self, name: str, version: str) -> dict[str, Any]:
        """One version, as `model-info` describes the serving one. Raises `UnknownModel`, `VersionRefused`."""
        store = self._registry.store(name)
        return store.published(store.get(version))

    def promote(self, name: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a version the serving one. `body` may say the `reason`, and `promoted_by` whom.

        Raises `UnknownModel`, `VersionRefused`, `SaveFailed`, or `Unprocessable` for another body.
        """
        store = self._registry.store(name)
        self._promotion_validator.validate(body)
        promotion = Promotion(BY_PERSON, body.get("reason", ""), body.get("promoted_by"))
        previous = store.serving.version if store.serving else None
        return {"model": store.promote(version, promotion).identity, "previous": previous}

    def examples(self, name: str) -> dict[str, Any]:
        """The inferences that a model's versions were taught, with their labels. Raises `UnknownModel`."""
        named = {(each.inference_id, each.label) for each in self._registry.store(name).all_examples()}
        return {"examples": [{"inference_id": inference_id, "label": label} for inference_id, label in sorted(named)]}

    def forget(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Removes `inference_ids` from what a model's versions were taught.

        Raises `UnknownModel`, `SaveFailed`, or `Unprocessable` for another body.
        """
        store = self._registry.store(name)
        self._forget_validator.validate(body)
        inference_ids = frozenset(map(str, body["inference_ids"]))
        try:
            store.forget(inference_ids)
        except OSError as exc:
            raise SaveFailed("the examples could not be removed: see that VAR_DIR is writable, then try again") from exc
        return {"forgotten": sorted(inference_ids)}

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

    def retrain(
        self, body: Mapping[str, Any], idempotency_key: str | None, requested_by: str | None = None
    ) -> TrainingRun:
        """Starts a training from `{"model", "params", "examples"}`, all optional.

        Raises:
            UnknownModel: there is no model with the body's name.
            Unprocessable: a parameter is unknown or out of range, or see `Trainer.start`.
            TrainingInProgress, IdempotencyKeyReused, NoServingVersion: see `Trainer.start`.
        """
        self._registry.store_for(body)
        self._retrain_validator.validate(body)
        return self._trainer.start(TrainingRequest.from_body(body, idempotency_key, requested_by))
