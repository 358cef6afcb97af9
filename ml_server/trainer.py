"""Runs one training at a time, saves the new version, and promotes it unless there is an objection."""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from threading import Event, Lock
from typing import Any

from ml_server.dataset import Dataset
from ml_server.examples import ParsedExamples, inherited_examples, parse_examples
from ml_server.exceptions import FieldError, TrainingInProgress, Unprocessable
from ml_server.feedback_outcome import FeedbackOutcome, feedback_outcome
from ml_server.model_metadata import build_metadata, examples_summary
from ml_server.model_store import ModelStore
from ml_server.params import ALWAYS, Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.promotion import Candidate, PromotionDecision, decide_promotion
from ml_server.promotion_log import AUTOMATIC, REQUESTED, Promotion, count_automatic
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

        The result is `{"model", "metrics", "parent", "promoted", "reason", "objections", "compared", "params",
        "seconds"}`, and `examples` and `feedback` if there are verdicts, new ones or those of earlier trainings. If the
        request's key was used before, the run has the first result at once.

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
        """What earlier trainings were taught, unless the request says to forget it, and the request's examples."""
        store = self._registry.store(request.model)
        inherited = () if request.params.forget_feedback else store.taught_examples()
        if not request.examples:
            return inherited_examples(inherited, dataset)
        return parse_examples(request.examples, request.model, store.get().handler, dataset, inherited)

    def _save(
        self,
        request: TrainingRequest,
        dataset: Dataset,
        examples: ParsedExamples,
        result: TrainingResult,
        seconds: float,
    ) -> Result:
        recipe, store, params = self._recipes[request.model], self._registry.store(request.model), request.params
        candidate = _candidate(recipe, store, params, dataset=dataset, examples=examples, result=result)
        serving, version = store.serving, store.next_version()
        parent = serving.version if serving else None
        decision = decide_promotion(candidate, serving, store.plan)
        response = {
            "model": {"name": recipe.name, "version": version},
            "metrics": result.metrics,
            "parent": parent,
            **asdict(decision),
            "objections": list(decision.objections),
            "params": asdict(params),
            "seconds": round(seconds, 3),
        }
        if examples.taught:
            response["examples"] = examples_summary(examples, result)
        if candidate.feedback != FeedbackOutcome():
            response["feedback"] = candidate.feedback.as_json()
        metadata = build_metadata(
            recipe, version, dataset=dataset, params=params, result=result, parent=parent, examples=examples
        )
        metadata["lineage"] |= {"requested_by": request.requested_by, "decision": _stored_decision(response)}
        store.add(
            result.onnx,
            metadata | {"retrain": request.to_stored(response)},
            promote=decision.promoted,
            promotion=_promotion(request, decision),
            examples=examples.taught,
        )
        values = recipe.name, version, seconds, decision.promoted, len(decision.objections)
        log.info("%s version %s trained in %.1f s; promoted: %s; objections: %d", *values)
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


def _candidate(
    recipe: Recipe,
    store: ModelStore,
    params: Params,
    *,
    dataset: Dataset,
    examples: ParsedExamples,
    result: TrainingResult,
) -> Candidate:
    known = store.serving_examples()
    before = {(each.inference_id, each.label) for each in known}
    # A training that forgets is compared with what it forgets too.
    everything = inherited_examples([*store.taught_examples(), *examples.taught], dataset)
    found = {each.inference_id for each in everything.taught}
    lost = [*(each.named for each in everything.outdated), *store.lost_examples()]
    return Candidate(
        recipe,
        dataset.classes,
        params,
        result,
        feedback=feedback_outcome(
            everything.taught,
            [each for each in lost if each["inference_id"] not in found],
            result.session,
            store.serving,
            dataset.classes,
        ),
        new_examples=sum((each.inference_id, each.label) not in before for each in examples.taught),
        automatic=count_automatic(store.promotions(), store.plan.period_days),
    )


def _stored_decision(response: Result) -> Result:
    """What the version's lineage says of its promotion."""
    return {
        name: response[name]
        for name in ("promoted", "reason", "objections", "compared", "feedback")
        if name in response
    }


def _promotion(request: TrainingRequest, decision: PromotionDecision) -> Promotion:
    if request.params.promote == ALWAYS:
        return Promotion(REQUESTED, "; ".join((decision.reason, *decision.objections)), request.requested_by)
    return Promotion(AUTOMATIC, decision.reason)
