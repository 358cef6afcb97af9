from collections.abc import Generator
from threading import Event
from typing import TypeVar

from ml_server.dataset import Dataset
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.recipes.recipe import Recipe
from ml_server.train import TrainingResult, train_model

T = TypeVar("T")


def finish(steps: Generator[Progress, None, T]) -> T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def trained_with(recipe: Recipe, data: Dataset, params: Params) -> TrainingResult:
    return finish(train_model(recipe, data, params, ProgressTracker(params.min_seconds, Event())))
