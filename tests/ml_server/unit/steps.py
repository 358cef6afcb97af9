from collections.abc import Generator
from threading import Event
from typing import TypeVar

from ml_server.courses.course import Course
from ml_server.dataset import DataSet
from ml_server.pace import Pace, Progress
from ml_server.params import Params
from ml_server.training import Trained, train

T = TypeVar("T")


def finish(steps: Generator[Progress, None, T]) -> T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def trained_with(course: Course, data: DataSet, params: Params) -> Trained:
    return finish(train(course, data, params, Pace(params.min_seconds, Event())))
