"""The versions of one model on disk, and the one in service.

{folder}/1/model.onnx  metadata.json      a version; never changed once it has its name
{folder}/current                          the number of the version in service
{folder}/.new-…                           not finished; swept away at the next start
"""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ml_server.exceptions import BrokenModel, NotSaved
from ml_server.files import move_synced, sync_folder, write_synced
from ml_server.model import Model

KEPT_VERSIONS = 50
UNFINISHED = ".new-"

log = logging.getLogger(__name__)


class Shelf:
    """Keeps the newest fifty versions. One process per folder; `promote` by one thread at a time, the rest by any."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder, made when missing, and puts the newest version that is sound into service."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self.serving = self._newest_sound()

    def next_version(self) -> str:
        """A number above all that were ever in service here."""
        return str(max([*self._versions(), self._pointed_to() or 0], default=0) + 1)

    def promote(self, onnx: bytes, card: Mapping[str, Any]) -> Model:
        """Saves a version and puts it into service: from the next predict on, and after a restart.

        Raises:
            NotSaved: what is in service has not changed, nor what will be after a restart.
        """
        home = self._folder / str(card["version"])
        try:
            self._save(home, onnx, card)
            model = self._load(home)
            self._point_to(home.name)
        except (OSError, BrokenModel) as exc:
            raise NotSaved("the new version could not be saved; the old one serves on") from exc
        self.serving = model
        self._drop_old()
        return model

    def cards(self) -> Iterator[dict[str, Any]]:
        """The metadata of every version that has been in service and whose metadata can be read, newest first."""
        for version in self._promoted():
            try:
                yield _read_card(self._folder / str(version))
            except BrokenModel:
                continue

    def _newest_sound(self) -> Model | None:
        for version in self._promoted():
            try:
                return self._load(self._folder / str(version))
            except BrokenModel as exc:
                log.warning("version %s in %s is refused: %s", version, self._folder, exc)
        return None

    def _load(self, home: Path) -> Model:
        card = _read_card(home)
        try:
            model = Model((home / "model.onnx").read_bytes(), card)
        except OSError as exc:
            raise BrokenModel(f"model.onnx can't be read ({exc.strerror})") from exc
        if model.version != home.name:
            raise BrokenModel(f"its metadata is that of version {model.version}")
        return model

    def _save(self, home: Path, onnx: bytes, card: Mapping[str, Any]) -> None:
        unfinished = Path(mkdtemp(prefix=UNFINISHED, dir=self._folder))
        try:
            write_synced(unfinished / "model.onnx", onnx)
            write_synced(unfinished / "metadata.json", json.dumps(card, indent=1).encode())
            sync_folder(unfinished)
            move_synced(unfinished, home)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _versions(self) -> list[int]:
        return sorted((int(home.name) for home in self._folder.iterdir() if home.name.isdecimal()), reverse=True)

    def _promoted(self) -> list[int]:
        # What lies above the pointer was saved and never put into service: nobody has heard of such a version.
        current = self._pointed_to()
        return [version for version in self._versions() if current is None or version <= current]

    def _pointed_to(self) -> int | None:
        try:
            return int((self._folder / "current").read_bytes())
        except (OSError, ValueError):
            return None

    def _point_to(self, version: str) -> None:
        unfinished = self._folder / f"{UNFINISHED}current"
        write_synced(unfinished, f"{version}\n".encode())
        move_synced(unfinished, self._folder / "current")

    def _sweep(self) -> None:
        for leftover in self._folder.glob(f"{UNFINISHED}*"):
            leftover.unlink() if leftover.is_file() else shutil.rmtree(leftover)

    def _drop_old(self) -> None:
        for version in self._versions()[KEPT_VERSIONS:]:
            shutil.rmtree(self._folder / str(version), ignore_errors=True)


def _read_card(home: Path) -> dict[str, Any]:
    try:
        card = json.loads((home / "metadata.json").read_bytes())
    except OSError as exc:
        raise BrokenModel(f"metadata.json can't be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise BrokenModel("metadata.json is not JSON") from exc
    if not isinstance(card, dict):
        raise BrokenModel("metadata.json is not an object")
    return card
