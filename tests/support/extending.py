"""The recipes of docs/extending.md, and copies of this repository to which they are applied."""

import io
import os
import re
import shutil
import subprocess
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from tests.support.system import ROOT

PAGE = ROOT / "docs" / "extending.md"

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_COMMAND = ".venv/bin/"
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Recipe:
    """One section of the page: its prose and blocks as they stand there."""

    text: str

    @property
    def files(self) -> dict[str, str]:
        """The new files, by their paths."""
        return {title: body for _, title, body in _BLOCK.findall(self.text) if title}

    @property
    def diff(self) -> str:
        """The changes to existing files."""
        return "".join(body for language, _, body in _BLOCK.findall(self.text) if language == "diff")

    @property
    def commands(self) -> list[str]:
        """The commands of this project that the reader is told to run, in order."""
        shells = (body for language, _, body in _BLOCK.findall(self.text) if language == "sh")
        return [line for body in shells for line in body.splitlines() if line.startswith(_COMMAND)]

    def command(self, word: str) -> str:
        """The one command that has this word."""
        [found] = [line for line in self.commands if word in line.split()]
        return found


def recipes() -> dict[str, Recipe]:
    """All recipes, by their headings."""
    _, *parts = _HEADING.split(PAGE.read_text())
    return {heading: Recipe(body) for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def copy_repository(folder: Path) -> Path:
    """A copy of the working tree with this environment; without what git ignores, but with compiled modules.

    Otherwise each of the first processes would compile all modules again.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        compiled = cache_from_source(name) if name.endswith(".py") else name
        for each in {name, compiled}:
            if (ROOT / each).is_file():  # else it is deleted and git does not know yet, or nobody imported it
                (folder / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / each, folder / each)  # a compiled module is valid for one time of its source
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder


def apply(recipe: Recipe, folder: Path) -> None:
    """Does to a copy what the recipe says: new files, and changes to existing ones."""
    for name, body in recipe.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(body)
    if recipe.diff:
        run(["git", "apply", "-"], folder, {"GIT_CEILING_DIRECTORIES": str(folder.parent)}, recipe.diff)


def run(
    command: str | list[str], folder: Path, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command, or a shell's line, which must succeed."""
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        input=stdin,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done


def lines_of_code(source: str) -> int:
    """Lines of Python that are neither blank, nor a comment, nor a docstring."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines: set[int] = set()
    for index, token in enumerate(tokens):
        is_docstring = token.type == tokenize.STRING and _begins_statement(tokens, index)
        if token.type not in _NO_CODE and not is_docstring:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)


def _begins_statement(tokens: list[tokenize.TokenInfo], index: int) -> bool:
    return index == 0 or tokens[index - 1].type in {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}
