"""The registry of models: one store of versions for each model name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from ml_server.exceptions import UnknownModel
from ml_server.handlers import HandlerFactories
from ml_server.model_import import fetched_file, import_model
from ml_server.model_store import ModelStore
from ml_server.model_version import ModelVersion

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Registry:
    """Thread-safe. The set of models is fixed at the start, but some may wait for their weights."""

    def __init__(
        self,
        folder: Path,
        handlers: HandlerFactories,
        *,
        names: Iterable[str] = (),
        shipped: Path | None = None,
        weights: Path | None = None,
    ) -> None:
        """Opens a store in `folder` for each of `names`, for each model in `shipped`, and for each existing one.

        The first name is the default model. The models in the folder `shipped` are imported. Their ONNX files may be in
        the folder `weights` instead, and may arrive there later: see `import_arrived`.
        """
        sources = {path.name: path for path in _model_folders(shipped)} if shipped else {}
        existing = (path.name for path in _model_folders(folder))
        self.default, *_ = names = list(dict.fromkeys([*names, *sources, *existing]))
        self._stores = {name: ModelStore(folder / name, handlers) for name in names}
        for name, source in sources.items():
            import_model(source, self._stores[name], weights)
        self._weights, self._import_lock = weights, Lock()
        # Folder of the model and path of its file, by name.
        self._awaited = {
            name: (source, fetched_file(source, weights))
            for name, source in sources.items()
            if weights and not self._stores[name].serving
        }

    def import_arrived(self) -> None:
        """Imports the models whose weights were fetched since the last call. Others are not affected."""
        arrived = [name for name, (_, file) in list(self._awaited.items()) if file.exists()]
        for name in arrived:
            with self._import_lock:
                source, _ = self._awaited.pop(name, (None, None))
                if source:
                    import_model(source, self._stores[name], self._weights)

    def store(self, name: str) -> ModelStore:
        """Returns a model's versions. Raises `UnknownModel`."""
        if name not in self._stores:
            raise UnknownModel(f"there is no model with this name: use one of {', '.join(self.names)}")
        return self._stores[name]

    def version_for(self, body: Mapping[str, Any]) -> ModelVersion:
        """Returns the version that should answer a predict body: by default the default model's serving version.

        If the body's `model` or `version` is not a string, the default is returned and the handler's validation rejects
        the body.

        Raises:
            UnknownModel, NoServingVersion, VersionRefused: see `ModelStore.get`.
        """
        version = body.get("version")
        return self.store_for(body).get(version if isinstance(version, str) else None)

    def store_for(self, body: Mapping[str, Any]) -> ModelStore:
        """Returns the store of the model that a body names, or of the default model. Raises `UnknownModel`."""
        name = body.get("model")
        return self.store(name if isinstance(name, str) else self.default)

    @property
    def names(self) -> list[str]:
        """The names of the models that have versions, the default model first."""
        return [name for name, store in self._stores.items() if store.versions()]

    def serving(self) -> list[ModelVersion]:
        """The serving version of each model, the default model first."""
        return [store.serving for store in self._stores.values() if store.serving]

    def states(self) -> list[dict[str, Any]]:
        """Each model that has versions: `name`, `state` (`ready` or `refused`), and the serving `version`, if any."""
        return [
            {"name": name, "state": "ready", "version": serving.version, "provider": serving.handler.provider}
            if (serving := self._stores[name].serving)
            else {"name": name, "state": "refused", "version": None, "provider": None}
            for name in self.names
        ]

    def all_metadata(self) -> Iterator[dict[str, Any]]:
        """The metadata of every version of every model."""
        return chain.from_iterable(store.all_metadata() for store in self._stores.values())

    def describe(self, name: str) -> dict[str, Any]:
        """A model's versions, newest first, each with its state. Raises `UnknownModel`."""
        store = self.store(name)
        serving = store.serving.version if store.serving else None
        versions = [_describe_version(store, version) for version in store.versions()]
        return {"name": name, "serving": serving, "versions": versions}


def _describe_version(store: ModelStore, version: str) -> dict[str, Any]:
    metadata = store.metadata(version)
    if store.serving and store.serving.version == version:
        state = {"state": "serving"}
    elif version in store.refused or not metadata:
        state = {"state": "refused", "reason": store.refused.get(version, "its metadata can't be read")}
    else:
        state = {"state": "kept"}
    details = {name: metadata.get(name) for name in ("trained_at", "metrics")}
    return {"version": version, **state, **details, "parent": metadata.get("lineage", {}).get("parent")}


def _model_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir() and NAME.fullmatch(path.name))
