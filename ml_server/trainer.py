"""Runs one training at a time, saves the new version, and promotes it unless it is worse than the serving version."""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from threading import Event, Lock
from typing import Any

from ml_server.dataset import Dataset
from ml_server.examples import NO_EXAMPLES, ParsedExamples, parse_examples
from ml_server.exceptions import FieldError, TrainingInProgress, Unprocessable
from ml_server.model_metadata import build_metadata, examples_summary
from ml_server.progress import Progress, ProgressTracker
from ml_server.promotion import decide_promotion
from ml_server.recipes.recipe import Recipe
from ml_server.registry import Registry
from ml_server.train import TrainingResult, train_model
from ml_server.training_request import TrainingRequest

Result = dict[str, Any]

log = logging.getLogger(__name__)


class TrainingRun:
    """A running training: iterate over its progress, then read `result`. Closing it cancels it."""

    def __init__(self, steps: Generator[Progress, None, Result]) -> None:
        """Takes the first step, so that an error is raised here, before the client has received any progress."""
        self.result: Result = {}
        self._steps = steps
        self._next = self._advance()

    def __iter__(self) -> Iterator[Progress]:
        while self._next:
            yield self._next
            self._next = self._advance()

    def close(self) -> None:
        """Cancels the training; nothing is saved. Does nothing if the training has ended."""
        self._steps.close()
        self._next = None

    def _advance(self) -> Progress | None:
        try:
            return next(self._steps)
        except StopIteration as end:
            self.result = end.value
            return None


class Trainer:
    """Trains models by their recipes and saves the versions in the registry."""

    def __init__(self, registry: Registry, recipes: Mapping[str, Recipe], stopping: Event) -> None:
        self._registry = registry
        self._recipes = recipes
        self._stopping = stopping
        self._lock = Lock()

    @property
    def is_running(self) -> bool:
        """Whether a training is running."""
        return self._lock.locked()

    def start(self, request: TrainingRequest, dataset: Dataset | None = None) -> TrainingRun:
        """Starts a training on `dataset`, or on the recipe's own. The version is saved before the run has its result.

        The result is `{"model", "metrics", "parent", "promoted", "reason", "compared", "params", "seconds"}`, and
        `examples` if the request has some. If the request's key was used before, the run has the first result at once.

        Raises:
            Unprocessable: the model can't be trained here, or none of the examples is usable.
            NoServingVersion: there are examples, but no serving version that could preprocess them.
            TrainingInProgress: another training is running.
            IdempotencyKeyReused: the request's key was used with another body.
        """
        return TrainingRun(self._steps(request, dataset))

    def _steps(self, request: TrainingRequest, dataset: Dataset | None) -> Generator[Progress, None, Result]:
        if stored := self._stored_result(request):
            return stored
        if request.model not in self._recipes:
            error = FieldError("model", f"can't be trained here: use one of {', '.join(self._recipes)}")
            raise Unprocessable("some fields are invalid: correct those in `fields`", [error])
        with self._exclusive():
            # Look again: a training with this key may have ended since.
            return self._stored_result(request) or (yield from self._train(request, dataset))

    def _train(self, request: TrainingRequest, dataset: Dataset | None) -> Generator[Progress, None, Result]:
        recipe = self._recipes[request.model]
        tracker = ProgressTracker(request.params.min_seconds, self._stopping)
        log.info("training of %s started", recipe.name)
        dataset = dataset or recipe.load_dataset()
        examples = self._examples(request, dataset)
        dataset = replace(dataset, labeled_examples=examples.labeled)
        try:
            result = yield from train_model(recipe, dataset, request.params, tracker)
        except GeneratorExit:
            log.info("training of %s cancelled after %.1f s", recipe.name, tracker.elapsed_seconds)
            raise
        return self._save(request, dataset, examples, result, tracker.elapsed_seconds)

    def _examples(self, request: TrainingRequest, dataset: Dataset) -> ParsedExamples:
        if not request.examples:
            return NO_EXAMPLES
        handler = self._registry.store(request.model).get().handler
        return parse_examples(request.examples, request.model, handler, dataset)

    def _save(
        self,
        request: TrainingRequest,
        dataset: Dataset,
        examples: ParsedExamples,
        result: TrainingResult,
        seconds: float,
    ) -> Result:
        recipe, store, params = self._recipes[request.model], self._registry.store(request.model), request.params
        serving, version = store.serving, store.next_version()
        parent = serving.version if serving else None
        decision = decide_promotion(result, serving, dataset.classes, params.promote)
        metadata = build_metadata(
            recipe, version, dataset=dataset, params=params, result=result, parent=parent, examples=examples
        )
        response = {
            "model": {"name": recipe.name, "version": version},
            "metrics": result.metrics,
            "parent": parent,
            **asdict(decision),
            "params": asdict(params),
            "seconds": round(seconds, 3),
        }
        if examples.used:
            response["examples"] = examples_summary(examples, result)
        store.add(result.onnx, metadata | {"retrain": request.to_stored(response)}, promote=decision.promoted)
        values = recipe.name, version, seconds, decision.promoted, decision.reason
        log.info("%s version %s trained in %.1f s; promoted: %s (%s)", *values)
        return response

    def _stored_result(self, request: TrainingRequest) -> Result | None:
        if request.key is None:
            return None
        results = (request.result_in(metadata.get("retrain")) for metadata in self._registry.all_metadata())
        return next((result for result in results if result), None)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise TrainingInProgress("a training is already running: try again when it has ended")
        try:
            yield
        finally:
            self._lock.release()
