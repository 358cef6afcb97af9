"""The prompts: `{agent}.v{version}.txt`. A changed prompt is a new version, and a new file."""

from functools import cache
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent


@cache
def prompt(agent: str, version: str) -> Template:
    """The prompt of an agent."""
    return Template((_FOLDER / f"{agent}.v{version}.txt").read_text(encoding="utf-8"))
