"""The versions of one model, and the one in service."""

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from ml_server.exceptions import BrokenModel, NotSaved, NotServing, Refused, UnknownModel
from ml_server.handlers import Handlers
from ml_server.model import Model
from ml_server.storage import Storage

KEPT_VERSIONS = 50
LOADED_BESIDE = 2  # versions that somebody asks for by number, kept in memory beside the one in service

log = logging.getLogger(__name__)


class Shelf:
    """Keeps the newest fifty versions. `add` is for one thread at a time, the rest for any."""

    def __init__(self, folder: Path, handlers: Handlers) -> None:
        """Opens the folder; where the version in service is refused, the one before it serves."""
        self._storage = Storage(folder)
        self._handlers = handlers
        self._promoting = Lock()
        self._loaded = lru_cache(LOADED_BESIDE)(self._load)
        self.refused: dict[str, str] = {}  # why, by version
        self.serving = self._newest_sound()

    def next_version(self) -> str:
        """A number above all that were ever in service here."""
        return str(max([*self._storage.numbers(), *self._storage.pointer()], default=0) + 1)

    def add(self, onnx: bytes, card: Mapping[str, Any], *, promote: bool = True) -> None:
        """Saves a version, and puts it into service where `promote` says so.

        Raises:
            BrokenModel: it can't be served; nothing is saved.
            NotSaved: what is in service has not changed, nor what will be after a restart.
        """
        Model(onnx, card, self._handlers)
        version = str(card["version"])
        try:
            self._storage.save(int(version), onnx, {**card, "promote": promote})
            if promote:
                self.promote(version)
        except (OSError, Refused) as exc:
            raise NotSaved("the new version could not be saved; the old one serves on") from exc
        self._drop_old()

    def promote(self, version: str) -> Model:
        """Puts a version that is here into service: from the next predict on, and after a restart.

        Raises:
            UnknownModel: it isn't here.
            Refused: it can't be served; the one in service serves on.
            NotSaved: the disk did not take it; the one in service serves on.
        """
        number = self._number(version)
        with self._promoting:
            try:
                model = self._load(number)
                self._storage.point_to(number)
            except BrokenModel as exc:
                self.refused[version] = exc.error
                raise Refused(f"this version is refused, and the one in service serves on: {exc}") from exc
            except OSError as exc:
                raise NotSaved("the disk did not take it; the old version serves on") from exc
            self.refused.pop(version, None)
            self.serving = model
        return model

    def model(self, version: str | None = None) -> Model:
        """The version in service, or another that is here. Ask once per request: it may be another at the next look.

        Raises:
            NotServing: none is in service.
            UnknownModel, Refused: see `promote`.
        """
        serving = self.serving
        if serving and version in {None, serving.version}:
            return serving
        if version is None:
            raise NotServing("no version of this model can serve: GET /api/v1/models says why")
        try:
            return self._loaded(self._number(version))
        except BrokenModel as exc:
            self.refused[version] = exc.error
            raise Refused(f"this version is refused: {exc}") from exc

    def versions(self) -> list[str]:
        """All that are here, newest first."""
        return [str(number) for number in self._storage.numbers()]

    def card(self, version: int | str) -> dict[str, Any]:
        """A version's metadata; empty where it can't be read."""
        try:
            return self._storage.card(int(version))
        except BrokenModel:
            return {}

    def cards(self) -> Iterator[dict[str, Any]]:
        """The metadata of every version that is known of and whose metadata can be read, newest first."""
        highest = max(self._storage.pointer(), default=None)
        for number in self._storage.numbers():
            card = self.card(number)
            # What lies above was saved to be put into service and never was: nobody has heard of such a version.
            if card and (highest is None or number <= highest or not card.get("promote", True)):
                yield card

    def _number(self, version: str) -> int:
        known = self.versions()
        if version not in known:
            raise UnknownModel(f"there is no such version of this model; known: {', '.join(known)}")
        return int(version)

    def _load(self, number: int) -> Model:
        card = self._storage.card(number)
        return Model(self._storage.onnx(number), card, self._handlers)

    def _newest_sound(self) -> Model | None:
        for number in self._to_serve():
            try:
                return self._load(number)
            except BrokenModel as exc:
                self.refused[str(number)] = exc.error
                log.warning("version %s in %s is refused: %s", number, self._storage.folder, exc)
        return None

    def _to_serve(self) -> Iterator[int]:
        """The version in service, then those before it, but for what was kept without being promoted."""
        current = next(iter(self._storage.pointer()), None)
        for number in self._storage.numbers():
            was_promoted = self.card(number).get("promote", True)
            if number == current or (was_promoted and (current is None or number < current)):
                yield number

    def _drop_old(self) -> None:
        serving = self.serving and int(self.serving.version)
        for number in self._storage.numbers()[KEPT_VERSIONS:]:
            if number != serving:
                self._storage.drop(number)
