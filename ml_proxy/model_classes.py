"""The classes of a model version, as the model server describes it; remembered, because a version never changes.

`model-info` describes the serving versions. The reference model server describes another one under its own path.
"""

import threading
import time
from http import HTTPStatus

from django.conf import settings

from common import person_names, strict_json
from common.exceptions import Unavailable
from common.strict_json import NotJSON, Value, member
from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamError
from ml_proxy.model_names import SEGMENT
from ml_proxy.models import MAX_LABEL

ASK_SECONDS = 2.0  # for one look at the model server
PAUSE_SECONDS = 30.0  # between two looks for a version that it does not tell
AWAY_SECONDS = 5.0  # between two looks while the model server gives no answer
MAX_VERSIONS = 1000  # of each kind that are remembered
AWAY = (
    "The model server can't be asked now whether the label is one of the model's classes. Nothing is stored: try again."
)

Version = tuple[str, str, str]  # the model server's URL, the model's name, its version
Classes = tuple[str, ...]


class ModelClasses:
    """Asks the model server for the classes of versions that are not known yet. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[Version, Classes] = {}
        self._ask_at: dict[Version, float] = {}  # the next look, in time.monotonic() seconds
        self._away: set[Version] = set()
        self._lock = threading.Lock()

    def of(self, name: str, version: str) -> Classes | None:
        """The classes, as canonical labels. None if the model server does not tell them.

        Raises `Unavailable` after a few seconds if the model server gives no answer.
        """
        url: str = settings.ML_SERVER_URL
        key = url, name, version
        if name and key not in self._known:
            if not self._lock.acquire(timeout=ASK_SECONDS):
                raise Unavailable(AWAY)
            try:
                self._ask(key)
                if key in self._away:
                    raise Unavailable(AWAY)
            finally:
                self._lock.release()
        return self._known.get(key)

    def _ask(self, key: Version) -> None:
        now = time.monotonic()
        if key in self._known or now < self._ask_at.get(key, now):
            return
        for remembered in (self._known, self._ask_at, self._away):
            if len(remembered) > MAX_VERSIONS:
                remembered.clear()
        url, name, version = key
        self._away.discard(key)
        try:
            found = _read_classes(_ask_for("model-info"), "models")
            if (name, version) not in found and SEGMENT.fullmatch(name) and SEGMENT.fullmatch(version):
                found |= _read_classes(_ask_for(f"models/{name}/versions/{version}"))
            self._known |= {(url, *each): classes for each, classes in found.items()}
        except UpstreamError:
            self._away.add(key)
        self._ask_at[key] = time.monotonic() + (AWAY_SECONDS if key in self._away else PAUSE_SECONDS)


def model_info() -> Value:
    """The model server's description of its models; None if it refuses, or has none. Raises `UpstreamError`."""
    return _ask_for("model-info")


def _ask_for(path: str) -> Value:
    """The model server's answer, or None if it is not JSON or the model server does not know the path.

    Raises `UpstreamError` if there is no answer now.
    """
    seconds = min(ASK_SECONDS, settings.UPSTREAM_TOTAL_SECONDS)
    call = path.partition("/")[0]
    answer = upstream.forward("GET", path, fields={}, total_seconds=seconds, call=call)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UpstreamError(f"The model server answered {answer.status}.")
    try:
        return strict_json.parse(strict_json.decode(answer.body)) if answer.is_success else None
    except NotJSON:
        return None


def _read_classes(info: Value, listed_in: str = "") -> dict[tuple[str, str], Classes]:
    """The classes by name and version; leaves out models whose description has none.

    `listed_in`: the member that lists several descriptions; empty if `info` is one.
    """
    models = member(info, listed_in) if listed_in else [info]
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
