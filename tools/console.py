"""Builds the console, and checks that the committed build is as new as its source.

By hand: `python -m tools.console build`, `python -m tools.console check`. The check needs no Node.
"""

import argparse
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tools import node

ROOT = Path(__file__).resolve().parents[1]
BUILT = Path("frontend/dist")
STAMP = BUILT / "source.sha256"
SOURCES = (
    "package.json",
    "package-lock.json",
    "frontend",
    "clients/typescript/src",
    "clients/typescript/package.json",
    "docs/examples/desk-scene.jpg",  # the page of pictures loads these two
    "docs/examples/no-desk.jpg",
)
_NOT_SOURCE = frozenset({"dist", "node_modules"})
_BUILD = ("npm", "run", "build", "--workspace", "frontend", "--silent")


def digest(root: Path) -> str:
    """The SHA-256 of the names and the bytes of all sources, as hexadecimal digits."""
    total = sha256()
    for path in sorted(sources(root)):
        content = sha256(path.read_bytes()).hexdigest()
        total.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return total.hexdigest()


def sources(root: Path) -> Iterator[Path]:
    """Each file that the build depends on; tests and texts for developers are none of them."""
    for name in SOURCES:
        place = root / name
        for path in [place] if place.is_file() else place.rglob("*"):
            is_built = _NOT_SOURCE & set(path.relative_to(root).parts)
            if path.is_file() and not is_built and ".test." not in path.name and path.suffix != ".md":
                yield path


def check(root: Path) -> str:
    """What is wrong with the committed build; blank if nothing is."""
    stamp = root / STAMP
    if not stamp.exists():
        return "The console is not built. Run `make console` and commit frontend/dist."
    if stamp.read_text().strip() != digest(root):
        return "The built console is older than its source. Run `make console` and commit frontend/dist."
    return ""


def build(root: Path) -> int:
    """Installs the locked packages and builds. Returns npm's exit status."""
    if status := node.install() or node.run(_BUILD):
        return status
    stamp(root)
    return 0


def stamp(root: Path) -> None:
    """Notes the sources of the build."""
    (root / STAMP).write_text(f"{digest(root)}\n")


def main() -> None:
    """Builds or checks. Raises `SystemExit` with what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["build", "check"])
    action = parser.parse_args().action
    if action == "build" and build(ROOT):
        sys.exit("ml-proxy: the console was not built")
    sys.exit(check(ROOT) or None)


if __name__ == "__main__":
    main()
