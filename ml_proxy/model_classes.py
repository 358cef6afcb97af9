"""What the model server tells of a model version: its classes, and texts to show for them in other languages.

Both are remembered, because a version never changes. `model-info` describes the serving versions. The reference model
server describes another one under its own path.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

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
AWAY = gettext_noop(
    "The model server can't be asked now whether the label is one of the model's classes. Nothing is stored: try again."
)

Version = tuple[str, str, str]  # the model server's URL, the model's name, its version
Classes = tuple[str, ...]
Texts = Mapping[str, str]  # by the text that the model knows


class ModelClasses:
    """Asks the model server for versions that are not known yet. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[Version, Classes] = {}
        self._texts: dict[Version, Mapping[str, Texts]] = {}  # by language
        self._look_at = 0.0  # the next `look`, in time.monotonic() seconds
        self._looks = threading.Lock()
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
                raise Unavailable(gettext(AWAY))
            try:
                self._ask(key)
                if key in self._away:
                    raise Unavailable(gettext(AWAY))
            finally:
                self._lock.release()
        return self._known.get(key)

    def texts(self, name: str, version: str, language: str) -> Texts:
        """The texts to show for this version's own, as far as they are remembered; asks nobody.

        Those of the model's other versions count too, because `model-info` tells the serving one alone. No two classes
        are shown with the same text.
        """
        url: str = settings.ML_SERVER_URL
        found: dict[str, str] = {}
        for (place, model, _), texts in list(self._texts.items()):
            if (place, model) == (url, name):
                found |= texts.get(language, {})
        found |= self._texts.get((url, name, version), {}).get(language, {})
        return _distinct(found, self._known.get((url, name, version), ()))

    def look(self, versions: Iterable[tuple[str, str]]) -> None:
        """Asks for `model-info` in a thread, unless all of these versions are known. Nobody waits for it."""
        url: str = settings.ML_SERVER_URL
        if all((url, *version) in self._texts for version in versions):
            return
        with self._looks:
            if time.monotonic() < self._look_at:
                return
            self._look_at = time.monotonic() + PAUSE_SECONDS
        threading.Thread(target=self._look, args=(url,), name="model-info", daemon=True).start()

    def _look(self, url: str) -> None:
        try:
            self._remember(url, _listed(_ask_for("model-info")))
        except UpstreamError:
            self._look_at = time.monotonic() + AWAY_SECONDS

    def _remember(self, url: str, models: Iterable[Value]) -> None:
        for remembered in (self._known, self._texts):
            if len(remembered) > MAX_VERSIONS:
                remembered.clear()
        for model in models:
            name, version = member(model, "name"), member(model, "version")
            if type(name) is type(version) is str:
                self._texts[url, name, version] = _read_texts(member(model, "translations"))
                if classes := _read_classes(member(model, "classes")):
                    self._known[url, name, version] = classes

    def _ask(self, key: Version) -> None:
        now = time.monotonic()
        if key in self._known or now < self._ask_at.get(key, now):
            return
        for remembered in (self._ask_at, self._away):
            if len(remembered) > MAX_VERSIONS:
                remembered.clear()
        url, name, version = key
        self._away.discard(key)
        try:
            self._remember(url, _listed(_ask_for("model-info")))
            if key not in self._known and SEGMENT.fullmatch(name) and SEGMENT.fullmatch(version):
                self._remember(url, [_ask_for(f"models/{name}/versions/{version}")])
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


def _listed(info: Value) -> list[Value]:
    """The descriptions in `model-info`."""
    models = member(info, "models")
    return models if isinstance(models, list) else []


def _read_classes(told: Value) -> Classes | None:
    """The classes; None if there are none, or one that no verdict could name."""
    try:
        return tuple(person_names.canonical(each, MAX_LABEL) for each in told) if isinstance(told, list) else None
    except person_names.BadName:
        return None


def _read_texts(told: Value) -> Mapping[str, Texts]:
    """`{"ko": {"malignant": "악성"}}`, without unusable texts."""
    return {language: dict(_usable(texts)) for language, texts in _pairs(told)}


def _usable(texts: Value) -> Iterator[tuple[str, str]]:
    for text, shown in _pairs(texts):
        with suppress(person_names.BadName):
            yield person_names.canonical(text, MAX_LABEL), person_names.canonical(shown, MAX_LABEL)


def _distinct(texts: Texts, labels: Iterable[str]) -> Texts:
    """Without those that two labels would share, or that are another label themselves."""
    all_labels = {*texts, *labels}
    times = Counter(texts.values())
    return {label: text for label, text in texts.items() if times[text] == 1 and text not in all_labels - {label}}


def _pairs(value: Value) -> Iterable[tuple[str, Value]]:
    return value if strict_json.is_object(value) else ()


MODEL_CLASSES = ModelClasses()
