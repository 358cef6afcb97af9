"""`python -m ml_server.recipes NAME`: trains a model with default parameters and writes it to `models/NAME`."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from threading import Event

from ml_server.model_metadata import build_metadata
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.recipes import RECIPES
from ml_server.recipes.recipe import Recipe
from ml_server.train import TrainingResult, train_model

MODELS = Path(__file__).resolve().parents[2] / "models"
SET_BY_IMPORT = {"name", "version"}


def write_model(recipe: Recipe, folder: Path) -> dict[str, float]:
    """Trains, writes the two files and returns the metrics. The same code gives the same model."""
    dataset, params = recipe.load_dataset(), Params()
    result = _run_to_end(train_model(recipe, dataset, params, ProgressTracker(0, Event())))
    metadata = build_metadata(recipe, "", dataset=dataset, params=params, result=result, parent=None)
    shipped = {name: value for name, value in metadata.items() if name not in SET_BY_IMPORT}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(result.onnx)
    (folder / "metadata.json").write_text(json.dumps(shipped, indent=1) + "\n")
    return result.metrics


def _run_to_end(steps: Generator[Progress, None, TrainingResult]) -> TrainingResult:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: TrainingResult = end.value
            return result


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RECIPES:
        sys.exit(f"usage: python -m ml_server.recipes {'|'.join(RECIPES)}")
    print(write_model(RECIPES[sys.argv[1]], MODELS / sys.argv[1]))
