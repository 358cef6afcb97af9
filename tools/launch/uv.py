"""Runs uv in this project's `.venv`, with the package index and the certificates of this machine's pip.

By hand: `python -m tools.launch.uv pip compile …`.
"""

import os
import sys
from pathlib import Path

from tools.launch.pip_settings import read, uv_environment, uv_flags

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"


def prepared(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """Returns the command line and the environment to run uv with these arguments."""
    settings = read(BIN / "python")
    return [str(BIN / "uv"), *arguments, *uv_flags(settings)], uv_environment(settings, os.environ)


def main() -> None:
    """Replaces this process with uv. Raises `SystemExit` if uv is not installed."""
    command, environment = prepared(*sys.argv[1:])
    try:
        os.execve(command[0], command, environment)  # noqa: S606 - uv itself
    except FileNotFoundError:
        sys.exit("ml-proxy: uv is not in .venv: there is no wheel for this platform, or the download failed")


if __name__ == "__main__":
    main()
