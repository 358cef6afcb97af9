"""Handlers: what the models of a task do with a request. Four steps: load, preprocess, predict, postprocess."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ml_server.handlers.handler import Handler
from ml_server.handlers.image import ImageHandler
from ml_server.handlers.tabular import TabularHandler

Handlers = Mapping[str, Callable[[], Handler]]


def handlers(images: Path | None = None) -> Handlers:
    """Of each task that a metadata file may name; `images` is the one folder that `image_path` may read, if any."""
    return {TabularHandler.task: TabularHandler, ImageHandler.task: partial(ImageHandler, images)}
