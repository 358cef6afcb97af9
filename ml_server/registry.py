"""The named models that are served here, each a shelf of versions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ml_server.arrivals import take_in
from ml_server.exceptions import UnknownModel
from ml_server.handlers import Handlers
from ml_server.model import Model
from ml_server.shelf import Shelf

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Registry:
    """Any number of threads may call it. Which models there are is settled at the start."""

    def __init__(
        self, folder: Path, handlers: Handlers, *, names: Iterable[str] = (), shipped: Path | None = None
    ) -> None:
        """Opens a shelf in `folder` for each of `names`, of the models that `shipped` brings and of those there."""
        sources = {path.name: path for path in _folders(shipped)} if shipped else {}
        self.default, *_ = names = list(dict.fromkeys([*names, *sources, *(path.name for path in _folders(folder))]))
        self._shelves = {name: Shelf(folder / name, handlers) for name in names}
        for name, source in sources.items():
            take_in(source, self._shelves[name])

    def shelf(self, name: str) -> Shelf:
        """A model's versions. Raises `UnknownModel`."""
        if name not in self._shelves:
            raise UnknownModel(f"there is no model of this name; known: {', '.join(self.known)}")
        return self._shelves[name]

    def model(self, body: Mapping[str, Any]) -> Model:
        """The one that a predict body names, or the default; the version that it names, or the one in service.

        What is no text is left to the handler's check. Raises `UnknownModel`, `NotServing`, `Refused`.
        """
        version = body.get("version")
        return self.named(body).model(version if isinstance(version, str) else None)

    def named(self, body: Mapping[str, Any]) -> Shelf:
        """The shelf of the model that a body names, or the default's. Raises `UnknownModel`."""
        name = body.get("model")
        return self.shelf(name if isinstance(name, str) else self.default)

    @property
    def known(self) -> list[str]:
        """The names of those that have versions, the default first."""
        return [name for name, shelf in self._shelves.items() if shelf.versions()]

    def serving(self) -> list[Model]:
        """All that are in service, the default first."""
        return [shelf.serving for shelf in self._shelves.values() if shelf.serving]

    def cards(self) -> Iterator[dict[str, Any]]:
        """The metadata of every version of every model."""
        return chain.from_iterable(shelf.cards() for shelf in self._shelves.values())

    def describe(self, name: str) -> dict[str, Any]:
        """A model's versions, newest first: which one serves, which are kept, which are refused and why."""
        shelf = self.shelf(name)
        serving = shelf.serving.version if shelf.serving else None
        return {"name": name, "serving": serving, "versions": [_version(shelf, each) for each in shelf.versions()]}


def _version(shelf: Shelf, version: str) -> dict[str, Any]:
    card = shelf.card(version)
    if shelf.serving and shelf.serving.version == version:
        state = {"state": "serving"}
    elif version in shelf.refused or not card:
        state = {"state": "refused", "reason": shelf.refused.get(version, "its metadata can't be read")}
    else:
        state = {"state": "kept"}
    told = {name: card.get(name) for name in ("trained_at", "metrics")}
    return {"version": version, **state, **told, "parent": card.get("lineage", {}).get("parent")}


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir() and NAME.fullmatch(path.name))
