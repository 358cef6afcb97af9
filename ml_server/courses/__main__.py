"""`python -m ml_server.courses NAME`: trains a model with its defaults, to be shipped in `models/NAME`."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from threading import Event

from ml_server.card import write_card
from ml_server.courses import COURSES
from ml_server.courses.course import Course
from ml_server.pace import Pace, Progress
from ml_server.params import Params
from ml_server.training import Trained, train

MODELS = Path(__file__).resolve().parents[2] / "models"
GIVEN_ON_ARRIVAL = {"name", "version"}


def make(course: Course, folder: Path) -> dict[str, float]:
    """Trains and writes the two files; returns the metrics. The same code gives the same model."""
    data, params = course.load(), Params()
    trained = _end_of(train(course, data, params, Pace(0, Event())))
    card = write_card(course, "", data=data, params=params, trained=trained, parent=None)
    shipped = {name: value for name, value in card.items() if name not in GIVEN_ON_ARRIVAL}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(trained.onnx)
    (folder / "metadata.json").write_text(json.dumps(shipped, indent=1) + "\n")
    return trained.metrics


def _end_of(steps: Generator[Progress, None, Trained]) -> Trained:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            trained: Trained = end.value
            return trained


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COURSES:
        sys.exit(f"usage: python -m ml_server.courses {'|'.join(COURSES)}")
    print(make(COURSES[sys.argv[1]], MODELS / sys.argv[1]))
