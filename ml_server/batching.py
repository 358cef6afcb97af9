"""Dynamic batching: predictions that arrive together are computed in one call of the model.

Only for models that `Handler.can_batch` allows. Everything else, such as an invalid body, is left to the caller, who
handles it alone: so no prediction ever sees an error of another.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ml_server.exceptions import ModelServerError
from ml_server.json_body import read_json_object
from ml_server.model_version import ModelVersion
from ml_server.registry import Registry
from ml_server.stats import Stats

log = logging.getLogger(__name__)


class BatchPredictor:
    """Predicts for many bodies at once. Thread-safe."""

    def __init__(self, registry: Registry, stats: Stats) -> None:
        self._registry = registry
        self._stats = stats

    def answer(self, raws: Sequence[bytes]) -> list[bytes | None]:
        """The JSON answer to each predict body, as `Service.predict` gives it, or None if it must be handled alone."""
        started = perf_counter()
        answers: list[bytes | None] = [None] * len(raws)
        for version, members in self._by_version(raws).items():
            for position, answer in self._predict(version, members):
                answers[position] = answer
            self._stats.add_batch(version.name, len(members), perf_counter() - started)
        return answers

    def _by_version(self, raws: Sequence[bytes]) -> dict[ModelVersion, list[tuple[int, dict[str, Any]]]]:
        found: dict[ModelVersion, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        for position, raw in enumerate(raws):
            try:
                body = read_json_object(raw)
                # Another version than the serving one may have to be loaded first, which takes long.
                version = None if "version" in body else self._registry.version_for(body)
            except ModelServerError:
                continue
            if version and version.can_batch and version.handler.is_valid(body):
                found[version].append((position, body))
        return found

    def _predict(
        self, version: ModelVersion, members: list[tuple[int, dict[str, Any]]]
    ) -> list[tuple[int, bytes | None]]:
        try:
            together = version.predict_together([body for _, body in members])
        except Exception:  # whatever the model raised: each is tried again alone, and gets the error that is its own
            log.exception("a batch of %d failed", len(members))
            return []
        answers = [{"model": version.identity, "predictions": each} for each in together]
        return [(position, json.dumps(each).encode()) for (position, _), each in zip(members, answers, strict=True)]
