"""Trains one version at a time and puts it into service."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event, Lock
from typing import Any

from ml_server import dataset
from ml_server.card import write_card
from ml_server.exceptions import Busy
from ml_server.orders import Order
from ml_server.pace import Pace
from ml_server.shelf import Shelf
from ml_server.training import Progress, Trained, train

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
    """Fills `shelf` with versions of the model `name`."""

    def __init__(self, name: str, shelf: Shelf, stopping: Event) -> None:
        self._name = name
        self._shelf = shelf
        self._stopping = stopping
        self._data = dataset.load()
        self._alone = Lock()

    @property
    def is_running(self) -> bool:
        """Whether a training is under way."""
        return self._alone.locked()

    def start(self, order: Order) -> Run:
        """Starts a training; the version is in service when the run has its answer.

        The answer is `{"model", "metrics", "parent", "params", "seconds"}`, at once and without a training where the
        order's key is known.

        Raises:
            Busy: another training runs.
            KeyReused: the order's key is known with another body.
        """
        return Run(self._steps(order))

    def _steps(self, order: Order) -> Generator[Progress, None, Answer]:
        if remembered := self._remembered(order):
            return remembered
        with self._one_at_a_time():
            # Once more: a training with this key may have ended since the first look.
            return self._remembered(order) or (yield from self._train(order))

    def _train(self, order: Order) -> Generator[Progress, None, Answer]:
        pace = Pace(order.params.min_seconds, self._stopping)
        log.info("a training starts")
        try:
            trained = yield from train(self._data, order.params, pace)
        except GeneratorExit:
            log.info("the training is cancelled after %.1f s", pace.seconds)
            raise
        return self._promote(order, trained, pace.seconds)

    def _promote(self, order: Order, trained: Trained, seconds: float) -> Answer:
        parent = self._shelf.serving.version if self._shelf.serving else None
        version = self._shelf.next_version()
        card = write_card(self._name, version, data=self._data, params=order.params, trained=trained, parent=parent)
        answer = {
            "model": {"name": self._name, "version": version},
            "metrics": trained.metrics,
            "parent": parent,
            "params": asdict(order.params),
            "seconds": round(seconds, 3),
        }
        self._shelf.promote(trained.onnx, card | {"retrain": order.note(answer)})
        log.info("version %s is in service, trained in %.1f s", version, seconds)
        return answer

    def _remembered(self, order: Order) -> Answer | None:
        if order.key is None:
            return None
        found = (order.answer_in(card.get("retrain")) for card in self._shelf.cards())
        return next((answer for answer in found if answer), None)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._alone.acquire(blocking=False):
            raise Busy("a training is already running")
        try:
            yield
        finally:
            self._alone.release()
