"""The files of one model's versions.

{folder}/1/model.onnx  metadata.json      a version; never changed once the folder has its final name
{folder}/current                          two numbers: the serving version, and the highest that has ever served
{folder}/.new-…                           an unfinished write; deleted at the next start
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ml_server.durable_files import move_synced, sync_folder, write_synced
from ml_server.exceptions import InvalidModel

UNFINISHED_PREFIX = ".new-"
NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class VersionFiles:
    """Reads and writes versions. Only one process may use a folder. Writes are atomic. Raises `OSError`."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder, creates it if it is missing, and deletes unfinished writes."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"{UNFINISHED_PREFIX}*"):
            leftover.unlink() if leftover.is_file() else shutil.rmtree(leftover)

    def numbers(self) -> list[int]:
        """The numbers of the stored versions, newest first."""
        names = (path.name for path in self.folder.iterdir())
        return sorted((int(name) for name in names if NUMBER.fullmatch(name)), reverse=True)

    def save(self, number: int, onnx: bytes, metadata: Mapping[str, Any]) -> None:
        """Writes a new version."""
        unfinished = Path(mkdtemp(prefix=UNFINISHED_PREFIX, dir=self.folder))
        try:
            write_synced(unfinished / "model.onnx", onnx)
            write_synced(unfinished / "metadata.json", json.dumps(metadata, indent=1).encode())
            sync_folder(unfinished)
            move_synced(unfinished, self.folder / str(number))
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def onnx(self, number: int) -> bytes:
        """Reads a version's ONNX file. Raises `InvalidModel`."""
        try:
            return (self.folder / str(number) / "model.onnx").read_bytes()
        except OSError as exc:
            raise InvalidModel(f"model.onnx can't be read ({exc.strerror})") from exc

    def metadata(self, number: int) -> dict[str, Any]:
        """Reads a version's metadata. Raises `InvalidModel`."""
        try:
            metadata = json.loads((self.folder / str(number) / "metadata.json").read_bytes())
        except OSError as exc:
            raise InvalidModel(f"metadata.json can't be read ({exc.strerror})") from exc
        except ValueError as exc:
            raise InvalidModel("metadata.json is not JSON") from exc
        if not isinstance(metadata, dict):
            raise InvalidModel("metadata.json is not an object")
        if metadata.get("version") != str(number):
            raise InvalidModel(f"metadata.json is not that of version {number}")
        return metadata

    def delete(self, number: int) -> None:
        """Deletes a version, ignoring errors."""
        shutil.rmtree(self.folder / str(number), ignore_errors=True)

    def pointer(self) -> list[int]:
        """The serving version and the highest that has ever served; empty if the file is missing or damaged."""
        try:
            return [int(number) for number in (self.folder / "current").read_bytes().split()]
        except (OSError, ValueError):
            return []

    def set_pointer(self, number: int) -> None:
        """Makes a version the serving one from the next start on."""
        unfinished = self.folder / f"{UNFINISHED_PREFIX}current"
        write_synced(unfinished, f"{number} {max([number, *self.pointer()])}\n".encode())
        move_synced(unfinished, self.folder / "current")
