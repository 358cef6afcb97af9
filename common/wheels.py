"""Downloads a wheel of the package index, without installing or importing it.

Only wheels are taken: pip would run code of a source distribution.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

DOWNLOAD_SECONDS = 900
OPTIONS = (
    "--no-deps",
    "--only-binary",
    ":all:",
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
)
PATIENCE = ("--retries", "2", "--timeout", "30")  # seconds without any data


class NotDownloaded(Exception):
    """The wheel can't be had. The text says why, in words of our own: pip's may name the package index."""


def download(requirement: str, folder: Path) -> Path:
    """The wheel of a requirement, such as `name==1.0 --hash=sha256:…`, in the folder. With a hash, pip checks it.

    Raises `NotDownloaded`.
    """
    (folder / "requirements.txt").write_text(f"{requirement}\n")
    options = ("--requirement", folder / "requirements.txt", "--dest", folder)
    command: list[str | Path] = [*_pip(), "download", *OPTIONS, *PATIENCE, *options]
    name = requirement.partition(" ")[0]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotDownloaded(f"{name} was not downloaded within {DOWNLOAD_SECONDS} s") from None
    found = next(folder.glob("*.whl"), None)
    if done.returncode or found is None:
        raise NotDownloaded(f"{name} can't be downloaded: {_reason(done.stderr)}")
    return found


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if command := shutil.which("pip"):
        return [command]
    raise NotDownloaded("there is no pip: install it")


def _reason(errors: str) -> str:
    if "DO NOT MATCH THE HASHES" in errors:
        return "it is not the file that was checked when this was written (SHA-256)"
    if "No matching distribution" in errors or "Could not find a version" in errors:
        return "the package index does not have it, or can't be reached"
    return "pip failed; is there a network?"
