"""The classes of a model version, from the model server's `model-info`; remembered, because a version never changes."""

import threading
import time

from django.conf import settings

from common import person_names, strict_json
from common.strict_json import NotJSON, Value, member
from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamError
from ml_proxy.models import MAX_LABEL

ASK_SECONDS = 2.0  # for one look at the model server
PAUSE_SECONDS = 30.0  # between two looks for a version that it does not tell
MAX_VERSIONS = 1000  # of each kind that are remembered

Version = tuple[str, str, str]  # the model server's URL, the model's name, its version
Classes = tuple[str, ...]


class ModelClasses:
    """Asks the model server for the classes of versions that are not known yet. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[Version, Classes] = {}
        self._asked_at: dict[Version, float] = {}  # time.monotonic() seconds
        self._lock = threading.Lock()

    def of(self, name: str, version: str) -> Classes | None:
        """The classes, as canonical labels. None if the model server does not tell them, within a few seconds."""
        url: str = settings.ML_SERVER_URL
        key = url, name, version
        if name and key not in self._known and self._lock.acquire(timeout=ASK_SECONDS):
            try:
                self._ask(key)
            finally:
                self._lock.release()
        return self._known.get(key)

    def _ask(self, key: Version) -> None:
        asked_at = self._asked_at.get(key)
        if key in self._known or (asked_at is not None and time.monotonic() - asked_at < PAUSE_SECONDS):
            return
        for remembered in (self._known, self._asked_at):
            if len(remembered) > MAX_VERSIONS:
                remembered.clear()
        try:
            found = _read_classes(model_info())
        except (UpstreamError, NotJSON):
            found = {}
        self._known |= {(key[0], *version): classes for version, classes in found.items()}
        self._asked_at[key] = time.monotonic()


def model_info() -> Value:
    """The model server's description of its models; None if it refuses. Raises `UpstreamError` or `NotJSON`."""
    seconds = min(ASK_SECONDS, settings.UPSTREAM_TOTAL_SECONDS)
    answer = upstream.forward("GET", "model-info", fields={}, total_seconds=seconds)
    return strict_json.parse(strict_json.decode(answer.body)) if answer.is_success else None


def _read_classes(info: Value) -> dict[tuple[str, str], Classes]:
    """The classes by name and version; leaves out models whose description has none."""
    models = member(info, "models")
    found: dict[tuple[str, str], Classes] = {}
    for model in models if isinstance(models, list) else ():
        name, version, classes = (member(model, each) for each in ("name", "version", "classes"))
        if type(name) is type(version) is str and isinstance(classes, list) and classes:
            try:
                found[name, version] = tuple(person_names.canonical(each, MAX_LABEL) for each in classes)
            except person_names.BadName:  # a class that no verdict could name
                continue
    return found


MODEL_CLASSES = ModelClasses()
