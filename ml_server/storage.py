"""The versions of one model as files.

{folder}/1/model.onnx  metadata.json      a version; never changed once it has its name
{folder}/current                          two numbers: the version in service, and the highest that ever was
{folder}/.new-…                           not finished; swept away at the next start
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ml_server.exceptions import BrokenModel
from ml_server.files import move_synced, sync_folder, write_synced

UNFINISHED = ".new-"
NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Storage:
    """One process per folder. What is written is all there or not there at all. Raises `OSError`."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder, made when missing, and sweeps away what was never finished."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"{UNFINISHED}*"):
            leftover.unlink() if leftover.is_file() else shutil.rmtree(leftover)

    def numbers(self) -> list[int]:
        """Of the versions that are here, newest first."""
        names = (home.name for home in self.folder.iterdir())
        return sorted((int(name) for name in names if NUMBER.fullmatch(name)), reverse=True)

    def save(self, number: int, onnx: bytes, card: Mapping[str, Any]) -> None:
        """A new version."""
        unfinished = Path(mkdtemp(prefix=UNFINISHED, dir=self.folder))
        try:
            write_synced(unfinished / "model.onnx", onnx)
            write_synced(unfinished / "metadata.json", json.dumps(card, indent=1).encode())
            sync_folder(unfinished)
            move_synced(unfinished, self.folder / str(number))
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def onnx(self, number: int) -> bytes:
        """A version's network. Raises `BrokenModel`."""
        try:
            return (self.folder / str(number) / "model.onnx").read_bytes()
        except OSError as exc:
            raise BrokenModel(f"model.onnx can't be read ({exc.strerror})") from exc

    def card(self, number: int) -> dict[str, Any]:
        """A version's metadata. Raises `BrokenModel`."""
        try:
            card = json.loads((self.folder / str(number) / "metadata.json").read_bytes())
        except OSError as exc:
            raise BrokenModel(f"metadata.json can't be read ({exc.strerror})") from exc
        except ValueError as exc:
            raise BrokenModel("metadata.json is not JSON") from exc
        if not isinstance(card, dict):
            raise BrokenModel("metadata.json is not an object")
        if card.get("version") != str(number):
            raise BrokenModel(f"its metadata is not that of version {number}")
        return card

    def drop(self, number: int) -> None:
        """Forgets a version; what can't be removed stays."""
        shutil.rmtree(self.folder / str(number), ignore_errors=True)

    def pointer(self) -> list[int]:
        """The version in service and the highest that ever was; empty where that is lost."""
        try:
            return [int(number) for number in (self.folder / "current").read_bytes().split()]
        except (OSError, ValueError):
            return []

    def point_to(self, number: int) -> None:
        """Makes a version the one in service from the next start on."""
        unfinished = self.folder / f"{UNFINISHED}current"
        write_synced(unfinished, f"{number} {max([number, *self.pointer()])}\n".encode())
        move_synced(unfinished, self.folder / "current")
