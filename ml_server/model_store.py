"""Stores the versions of one model and knows which one is serving."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from ml_server.change_plan import DEFAULT, ChangePlan
from ml_server.exceptions import InvalidModel, NoServingVersion, SaveFailed, UnknownModel, VersionRefused
from ml_server.handlers import HandlerFactories
from ml_server.model_version import ModelVersion
from ml_server.promotion_log import BY_PERSON, Promotion
from ml_server.taught_examples import TaughtExample, merge_examples
from ml_server.version_files import VersionFiles

MAX_VERSIONS = 50
MAX_LISTED = 20  # promotions of a version in model-info
CACHED_VERSIONS = 2  # versions requested by number that stay in memory beside the serving one
SAVE_FAILED = "the version could not be saved, the serving version is unchanged: free space in VAR_DIR, then try again"

PROMOTED = Promotion(BY_PERSON)

log = logging.getLogger(__name__)


class ModelStore:
    """Keeps the newest fifty versions. Only one thread at a time may call `add`; the other methods are thread-safe."""

    def __init__(self, folder: Path, handlers: HandlerFactories, plan: ChangePlan = DEFAULT) -> None:
        """Opens the folder. If the serving version is invalid, the version promoted before it serves."""
        self.plan = plan
        self._files = VersionFiles(folder)
        self._handlers = handlers
        self._promotion_lock = Lock()
        self._load_cached = lru_cache(CACHED_VERSIONS)(self._load)
        self.refused: dict[str, str] = {}  # the reason, by version
        self.serving = self._newest_valid()

    def next_version(self) -> str:
        """A number above all versions that exist or have ever served here."""
        return str(max([*self._files.numbers(), *self._files.pointer()], default=0) + 1)

    def add(
        self,
        onnx: bytes,
        metadata: Mapping[str, Any],
        *,
        promote: bool = True,
        promotion: Promotion = PROMOTED,
        examples: Sequence[TaughtExample] = (),
    ) -> None:
        """Saves a version with the examples that it was taught and, if `promote` is true, promotes it.

        Raises:
            InvalidModel: the version can't serve; nothing is saved.
            SaveFailed: the serving version has not changed, and will not have after a restart.
        """
        ModelVersion(onnx, metadata, self._handlers)
        version = str(metadata["version"])
        try:
            self._files.save(int(version), onnx, {**metadata, "promote": promote}, examples)
            if promote:
                self.promote(version, promotion)
        except (OSError, VersionRefused) as exc:
            raise SaveFailed(SAVE_FAILED) from exc
        self._delete_old()

    def promote(self, version: str, promotion: Promotion = PROMOTED) -> ModelVersion:
        """Makes a stored version the serving one, from the next prediction on and after a restart.

        Raises:
            UnknownModel: the version is not stored here.
            VersionRefused: the version can't serve; the serving version has not changed.
            SaveFailed: the disk is full or broken; the serving version has not changed.
        """
        number = self._number(version)
        with self._promotion_lock:
            try:
                model = self._load(number)
                previous = self.serving.version if self.serving else None
                self._files.set_pointer(number, promotion.entry(version, previous))
            except InvalidModel as exc:
                self.refused[version] = exc.error
                raise VersionRefused(f"this version can't serve, promote another one: {exc}") from exc
            except OSError as exc:
                raise SaveFailed(SAVE_FAILED) from exc
            self.refused.pop(version, None)
            self.serving = model
        return model

    def get(self, version: str | None = None) -> ModelVersion:
        """Returns the serving version, or another stored one. Call it once per request: a promotion may come between.

        Raises:
            NoServingVersion: no version is serving.
            UnknownModel, VersionRefused: see `promote`.
        """
        serving = self.serving
        if serving and version in {None, serving.version}:
            return serving
        if version is None:
            raise NoServingVersion("no version of this model can serve: GET /api/v1/models gives the reasons")
        try:
            return self._load_cached(self._number(version))
        except InvalidModel as exc:
            self.refused[version] = exc.error
            raise VersionRefused(f"this version can't serve, use another one: {exc}") from exc

    def promotions(self, version: str | None = None) -> list[dict[str, Any]]:
        """The last promotions, oldest first: of all versions, or of one."""
        return [each for each in self._files.promotions() if version in {None, each["version"]}]

    def published(self, version: ModelVersion) -> dict[str, Any]:
        """What `model-info` says of a version: its metadata, its promotions, and the model's change plan."""
        lineage = {**version.metadata["lineage"], "promotions": self.promotions(version.version)[-MAX_LISTED:]}
        return {**version.metadata, "lineage": lineage, "change_plan": self.plan.as_json()}

    def taught_examples(self) -> tuple[TaughtExample, ...]:
        """What the next training keeps: the examples of every version, also of those that wait for a person.

        So neither a roll-back nor a version that was held back loses what doctors taught. A version that has served and
        was told to forget ends what was before it.
        """
        served = {int(each["version"]) for each in self.promotions()}
        numbers = sorted(self._files.numbers())
        after = max((number for number in numbers if number in served and self._forgets(number)), default=0)
        others = [self._examples(number) for number in numbers if number >= after]
        return merge_examples(chain(self.serving_examples(), *others))

    def lost_examples(self) -> list[dict[str, str]]:
        """What the serving version was taught, as `trained_on` lists it, without a row here: nobody can check those."""
        if not self.serving:
            return []
        stored = {each.inference_id for each in self.serving_examples()}
        trained_on = self.metadata(self.serving.version).get("trained_on", [])
        return [each for each in trained_on if each["inference_id"] not in stored]

    def serving_examples(self) -> tuple[TaughtExample, ...]:
        """The examples that the serving version was trained on."""
        return self._examples(int(self.serving.version)) if self.serving else ()

    def all_examples(self) -> tuple[TaughtExample, ...]:
        """What is stored of every version, served or not."""
        return tuple(example for number in self._files.numbers() for example in self._examples(number))

    def forget(self, inference_ids: frozenset[str]) -> None:
        """Removes examples from every version, and each mention of their inferences. The weights do not change.

        Raises `OSError`; it can be repeated then.
        """
        with self._promotion_lock:
            for number in self._files.numbers():
                try:
                    self._files.forget(number, inference_ids)
                except InvalidModel as exc:
                    log.warning("version %s in %s is damaged: %s", number, self._files.folder, exc)
            self._load_cached.cache_clear()
            if self.serving:
                self.serving = self._load(int(self.serving.version))

    def versions(self) -> list[str]:
        """All stored versions, newest first."""
        return [str(number) for number in self._files.numbers()]

    def metadata(self, version: int | str) -> dict[str, Any]:
        """A version's metadata; empty if it can't be read."""
        try:
            return self._files.metadata(int(version))
        except InvalidModel:
            return {}

    def all_metadata(self) -> Iterator[dict[str, Any]]:
        """The metadata of every version that was completely added and can be read, newest first."""
        highest = max(self._files.pointer(), default=None)
        for number in self._files.numbers():
            metadata = self.metadata(number)
            # A version above the pointer that was to be promoted: the process crashed before the promotion, so no
            # client has been told of this version.
            if metadata and (highest is None or number <= highest or not metadata.get("promote", True)):
                yield metadata

    def _forgets(self, number: int) -> bool:
        return bool(self.metadata(number).get("lineage", {}).get("forget_feedback"))

    def _examples(self, number: int) -> tuple[TaughtExample, ...]:
        try:
            return self._files.examples(number)
        except InvalidModel as exc:
            log.warning("the examples of version %s in %s are lost: %s", number, self._files.folder, exc)
            return ()

    def _number(self, version: str) -> int:
        versions = self.versions()
        if version not in versions:
            raise UnknownModel(f"this model has no such version: use one of {', '.join(versions)}")
        return int(version)

    def _load(self, number: int) -> ModelVersion:
        metadata = self._files.metadata(number)
        return ModelVersion(self._files.onnx(number), metadata, self._handlers)

    def _newest_valid(self) -> ModelVersion | None:
        for number in self._candidates():
            try:
                return self._load(number)
            except InvalidModel as exc:
                self.refused[str(number)] = exc.error
                log.warning("version %s in %s is refused: %s", number, self._files.folder, exc)
        return None

    def _candidates(self) -> Iterator[int]:
        """The serving version, then the older ones that were promoted when they were added."""
        current = next(iter(self._files.pointer()), None)
        for number in self._files.numbers():
            was_promoted = self.metadata(number).get("promote", True)
            if number == current or (was_promoted and (current is None or number < current)):
                yield number

    def _delete_old(self) -> None:
        serving = self.serving and int(self.serving.version)
        for number in self._files.numbers()[MAX_VERSIONS:]:
            if number != serving:
                self._files.delete(number)
