"""Handlers: how the models of one task process a request. Four steps: load, preprocess, predict, postprocess."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ml_server.handlers.handler import Handler
from ml_server.handlers.image import ImageHandler
from ml_server.handlers.tabular import TabularHandler

HandlerFactories = Mapping[str, Callable[[], Handler]]


def handler_factories(image_dir: Path | None = None) -> HandlerFactories:
    """The handler for each task. `image_dir` is the only folder from which `image_path` may read, if any."""
    return {TabularHandler.task: TabularHandler, ImageHandler.task: partial(ImageHandler, image_dir)}
