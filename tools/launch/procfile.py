"""Reads the Procfile, which defines all processes and their commands."""

import shlex
from pathlib import Path

from backend.env import ROOT


def read(path: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Returns each process's command, split for use without a shell, by its name and in the file's order."""
    lines = (line.partition(":") for line in path.read_text().splitlines() if line.strip())
    return {name.strip(): shlex.split(command) for name, _, command in lines}
