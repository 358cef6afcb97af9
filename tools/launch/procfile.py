"""Reads the Procfile: the one place that says which processes there are and how each is started."""

import shlex
from pathlib import Path

from backend.env import ROOT


def read(path: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Each process's command, ready to be started without a shell, by its name and in the file's order."""
    lines = (line.partition(":") for line in path.read_text().splitlines() if line.strip())
    return {name.strip(): shlex.split(command) for name, _, command in lines}
