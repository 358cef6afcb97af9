"""The files of one model's versions.

{folder}/1/model.onnx  metadata.json      a version; once the folder has its final name, only `forget` changes it
{folder}/1/examples.npz                   the examples that it was taught, if any
{folder}/current                          two numbers: the serving version, and the highest that has ever served;
                                          then the promotions, one JSON object a line, oldest first
{folder}/.new-…                           an unfinished write; deleted at the next start
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ml_server.durable_files import move_synced, sync_folder, write_synced
from ml_server.exceptions import InvalidModel
from ml_server.taught_examples import TaughtExample, from_bytes, to_bytes, without_inferences

UNFINISHED_PREFIX = ".new-"
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
MAX_PROMOTIONS = 500  # that are remembered


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

    def save(
        self, number: int, onnx: bytes, metadata: Mapping[str, Any], examples: Sequence[TaughtExample] = ()
    ) -> None:
        """Writes a new version."""
        unfinished = Path(mkdtemp(prefix=UNFINISHED_PREFIX, dir=self.folder))
        try:
            write_synced(unfinished / "model.onnx", onnx)
            write_synced(unfinished / "metadata.json", json.dumps(metadata, indent=1).encode())
            if examples:
                write_synced(unfinished / "examples.npz", to_bytes(examples))
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

    def examples(self, number: int) -> tuple[TaughtExample, ...]:
        """The examples that a version was taught. Raises `InvalidModel`."""
        path = self.folder / str(number) / "examples.npz"
        try:
            return from_bytes(path.read_bytes()) if path.exists() else ()
        except OSError as exc:
            raise InvalidModel(f"examples.npz can't be read ({exc.strerror})") from exc

    def forget(self, number: int, inference_ids: frozenset[str]) -> None:
        """Removes examples and every mention of their inferences from one version. Raises `InvalidModel`."""
        found = self.examples(number)
        kept = tuple(each for each in found if each.inference_id not in inference_ids)
        if len(kept) < len(found):
            self._replace(number, "examples.npz", to_bytes(kept) if kept else None)
        metadata = self.metadata(number)
        cleaned = without_inferences(metadata, inference_ids)
        if cleaned != metadata:
            self._replace(number, "metadata.json", json.dumps(cleaned, indent=1).encode())

    def _replace(self, number: int, name: str, content: bytes | None) -> None:
        path = self.folder / str(number) / name
        if content is None:
            path.unlink()
            sync_folder(path.parent)
            return
        unfinished = self.folder / f"{UNFINISHED_PREFIX}{name}"
        write_synced(unfinished, content)
        move_synced(unfinished, path)

    def delete(self, number: int) -> None:
        """Deletes a version, ignoring errors."""
        shutil.rmtree(self.folder / str(number), ignore_errors=True)

    def pointer(self) -> list[int]:
        """The serving version and the highest that has ever served; empty if the file is missing or damaged."""
        try:
            return [int(number) for number in self._current_lines()[0].split()]
        except (OSError, ValueError, IndexError):
            return []

    def promotions(self) -> list[dict[str, Any]]:
        """The last promotions, oldest first; empty if the file is missing or damaged."""
        try:
            return [json.loads(line) for line in self._current_lines()[1:]]
        except (OSError, ValueError):
            return []

    def set_pointer(self, number: int, promotion: Mapping[str, Any]) -> None:
        """Makes a version the serving one from the next start on, and records its promotion in the same write."""
        promotions = [*self.promotions(), dict(promotion)][-MAX_PROMOTIONS:]
        lines = [f"{number} {max([number, *self.pointer()])}", *map(json.dumps, promotions)]
        unfinished = self.folder / f"{UNFINISHED_PREFIX}current"
        write_synced(unfinished, "".join(f"{line}\n" for line in lines).encode())
        move_synced(unfinished, self.folder / "current")

    def _current_lines(self) -> list[str]:
        return (self.folder / "current").read_text("utf-8").splitlines()
