"""Trains one version at a time and puts it into service, unless it is worse than what is there."""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from threading import Event, Lock
from typing import Any

from ml_server.card import examples_told, write_card
from ml_server.courses.course import Course
from ml_server.dataset import DataSet
from ml_server.examples import NO_EXAMPLES, Examples, read_examples
from ml_server.exceptions import Busy, Fault, Unprocessable
from ml_server.judging import judge
from ml_server.orders import Order
from ml_server.pace import Pace, Progress
from ml_server.registry import Registry
from ml_server.training import Trained, train

Answer = dict[str, Any]

log = logging.getLogger(__name__)


class Run:
    """A training under way: iterate over its progress, then read `answer`. Closing it cancels it."""

    def __init__(self, steps: Generator[Progress, None, Answer]) -> None:
        """Takes the first step, so that a refusal is raised here, before a caller has been told anything."""
        self.answer: Answer = {}
        self._steps = steps
        self._next = self._advance()

    def __iter__(self) -> Iterator[Progress]:
        while self._next:
            yield self._next
            self._next = self._advance()

    def close(self) -> None:
        """Ends the training where it stands; nothing of it stays. Once it has ended, does nothing."""
        self._steps.close()
        self._next = None

    def _advance(self) -> Progress | None:
        try:
            return next(self._steps)
        except StopIteration as end:
            self.answer = end.value
            return None


class Trainer:
    """Fills the registry's shelves with versions, each as its model's course says."""

    def __init__(self, registry: Registry, courses: Mapping[str, Course], stopping: Event) -> None:
        self._registry = registry
        self._courses = courses
        self._stopping = stopping
        self._alone = Lock()

    @property
    def is_running(self) -> bool:
        """Whether a training is under way."""
        return self._alone.locked()

    def start(self, order: Order, data: DataSet | None = None) -> Run:
        """Starts a training on `data`, or on the course's own; its version is kept when the run has its answer.

        The answer is `{"model", "metrics", "parent", "promoted", "reason", "compared", "params", "seconds"}`, and
        `examples` where the order has some; at once and without a training where the order's key is known.

        Raises:
            Unprocessable: the order's model is none that can be trained here, or none of its examples can be used.
            NotServing: there are examples, and no version in service that they could be prepared as for.
            Busy: another training runs.
            KeyReused: the order's key is known with another body.
        """
        return Run(self._steps(order, data))

    def _steps(self, order: Order, data: DataSet | None) -> Generator[Progress, None, Answer]:
        if remembered := self._remembered(order):
            return remembered
        if order.model not in self._courses:
            fault = Fault("model", f"can't be trained here; those that can: {', '.join(self._courses)}")
            raise Unprocessable("some fields can't be used", [fault])
        with self._one_at_a_time():
            # Once more: a training with this key may have ended since the first look.
            return self._remembered(order) or (yield from self._train(order, data))

    def _train(self, order: Order, data: DataSet | None) -> Generator[Progress, None, Answer]:
        course, pace = self._courses[order.model], Pace(order.params.min_seconds, self._stopping)
        log.info("a training of %s starts", course.name)
        data = data or course.load()
        examples = self._examples(order, data)
        data = replace(data, lessons=examples.lessons)
        try:
            trained = yield from train(course, data, order.params, pace)
        except GeneratorExit:
            log.info("the training is cancelled after %.1f s", pace.seconds)
            raise
        return self._keep(order, data, examples, trained, pace.seconds)

    def _examples(self, order: Order, data: DataSet) -> Examples:
        if not order.examples:
            return NO_EXAMPLES
        handler = self._registry.shelf(order.model).model().handler
        return read_examples(order.examples, order.model, handler, data)

    def _keep(self, order: Order, data: DataSet, examples: Examples, trained: Trained, seconds: float) -> Answer:
        course, shelf = self._courses[order.model], self._registry.shelf(order.model)
        serving, version = shelf.serving, shelf.next_version()
        parent = serving.version if serving else None
        judgement = judge(trained, serving, data.classes, order.params.promote)
        card = write_card(
            course, version, data=data, params=order.params, trained=trained, parent=parent, examples=examples
        )
        answer = {
            "model": {"name": course.name, "version": version},
            "metrics": trained.metrics,
            "parent": parent,
            **asdict(judgement),
            "params": asdict(order.params),
            "seconds": round(seconds, 3),
        }
        if examples.taught:
            answer["examples"] = examples_told(examples, trained)
        shelf.add(trained.onnx, card | {"retrain": order.note(answer)}, promote=judgement.promoted)
        told = course.name, version, seconds, judgement.promoted, judgement.reason
        log.info("%s version %s is trained in %.1f s; promoted: %s (%s)", *told)
        return answer

    def _remembered(self, order: Order) -> Answer | None:
        if order.key is None:
            return None
        found = (order.answer_in(card.get("retrain")) for card in self._registry.cards())
        return next((answer for answer in found if answer), None)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._alone.acquire(blocking=False):
            raise Busy("a training is already running")
        try:
            yield
        finally:
            self._alone.release()
