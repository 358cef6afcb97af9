"""A minimal project to install: the files that the installer reads, and a lock with small wheels."""

import hashlib
import shutil
import stat
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.acceptance.helpers.processes import bare_environment, running
from tests.support.system import ROOT

COMMAND = (sys.executable, "-m", "tools.launch.install", "base")
INSTALL_SECONDS = 120


class Project:
    """A project whose folder can be moved; the wheels are beside it. Without `uv` its lock names a missing wheel."""

    def __init__(self, around: Path, uv: Path | None) -> None:
        self.folder, self.wheels, self.home = (around / name for name in ("project", "wheels", "home"))
        shutil.copytree(ROOT / "tools" / "launch", self.folder / "tools" / "launch")
        shutil.copy(ROOT / "tools" / "__init__.py", self.folder / "tools" / "__init__.py")
        (self.folder / "common").mkdir()
        for name in ("__init__.py", "parent_death.py", "prctl.py"):
            shutil.copy(ROOT / "common" / name, self.folder / "common" / name)
        for path in (self.folder / "requirements", self.wheels, self.home):
            path.mkdir()
        self.write_lock(
            "uv", locked("uv", uv) if uv else f"uv @ file:///nowhere/uv-1-py3-none-any.whl --hash=sha256:{'0' * 64}"
        )
        self.lock("1")

    @property
    def environment(self) -> dict[str, str]:
        """An environment with its own HOME, without the machine's pip configuration and cache."""
        return bare_environment(HOME=str(self.home), PIP_CONFIG_FILE="/dev/null")

    def lock(self, number: str, *names: str) -> None:
        """Locks `tiny` and these packages in this version."""
        wheels = {name: make_wheel(self.wheels, name, number) for name in ("tiny", *names)}
        self.write_lock("base", *(locked(name, wheel) for name, wheel in wheels.items()))

    def write_lock(self, name: str, *lines: str) -> None:
        (self.folder / "requirements" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))

    def install(self, environment: dict[str, str] | None = None) -> list[str]:
        """Runs the installer and returns its output lines."""
        with running(COMMAND, environment or self.environment, cwd=self.folder) as program:
            assert program.status(seconds=INSTALL_SECONDS) == 0, program.text
            return program.lines

    def compile(self, environment: dict[str, str]) -> str:
        """Returns the lock that `make lock` would write for `tiny`."""
        (self.folder / "tiny.in").write_text("tiny\n")
        command = (
            ".venv/bin/python",
            "-m",
            "tools.launch.uv",
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--generate-hashes",
        )
        done = subprocess.run(
            (*command, "tiny.in"), cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def installed(self) -> str:
        """Returns the version that the script of `tiny` prints."""
        # Without bytecode: it is stale if two versions of the same size are installed within one second.
        environment = self.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
        command = (str(self.folder / ".venv/bin/tiny"),)
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def locked(name: str, wheel: Path) -> str:
    """Returns a line of a lock."""
    return f"{name} @ {wheel.as_uri()} --hash=sha256:{sha256(wheel)}"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_wheel(folder: Path, name: str, number: str) -> Path:
    """Builds a package whose script prints its version."""
    return _wheel(
        folder,
        name,
        number,
        {
            f"{name}.py": f"def main(): print({number!r})\n",
            f"{name}-{number}.dist-info/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        },
    )


def make_uv_wheel(folder: Path) -> Path:
    """Builds a wheel of this environment's uv. Skips the test if there is none."""
    try:
        number = version("uv")
    except PackageNotFoundError:
        pytest.skip("uv is not in this environment: it has no wheel for this platform, or pip installed the lock")
    return _wheel(
        folder, "uv", number, {f"uv-{number}.data/scripts/uv": Path(sys.executable).with_name("uv").read_bytes()}
    )


def _wheel(folder: Path, name: str, number: str, files: dict[str, str | bytes]) -> Path:
    path = folder / f"{name}-{number}-py3-none-any.whl"
    info = f"{name}-{number}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, content in files.items():
            entry = zipfile.ZipInfo(inside)
            entry.external_attr = (stat.S_IFREG | 0o755) << 16
            wheel.writestr(entry, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path
