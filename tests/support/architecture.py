"""Reads docs/architecture.md, and what the code imports."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support.system import ROOT

PAGE = ROOT / "docs" / "architecture.md"
APPS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


class Step(NamedTuple):
    """One line of a walk; `through` is how a file is reached that no file above imports."""

    file: str
    through: str


def section(title: str, page: str | None = None) -> str:
    """The text below a heading of the page."""
    text = PAGE.read_text() if page is None else page
    [found] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def walk(title: str) -> list[Step]:
    """The files of a walk, in order."""
    found = re.findall(r"^(\d+)\. `([\w/.]+)`(?: \(through (.+?)\))?:", section(title), re.MULTILINE)
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
    return [Step(file, through) for _, file, through in found]


def names(title: str, paragraph: str) -> list[str]:
    """The modules that a paragraph of a section lists."""
    [text] = [part for part in section(title).split("\n\n") if part.startswith(paragraph)]
    return re.findall(r"`((?:%s)[\w.]*)`" % "|".join(APPS), text)  # noqa: UP031 - braces are of the pattern


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def module_of(file: str) -> str:
    """The dotted name of a file's module."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def covers(name: str, module: str) -> bool:
    """Whether a name on the page is the module, or a package around it."""
    return module == name or module.startswith(f"{name}.")


@cache
def imports(file: str) -> frozenset[str]:
    """The project's files that a file imports: anywhere in it, and only for types too.

    A name that a package's `__init__` imports from one of its modules counts as an import of that module.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            found |= {path for alias in node.names if (path := _file(alias.name))}
        elif isinstance(node, ast.ImportFrom):
            package = _absolute(node, file)
            found |= {path for alias in node.names if (path := _defining(package, alias.name))}
    return frozenset(found - {file})


def _absolute(node: ast.ImportFrom, file: str) -> str:
    base = Path(file).parent.parts[: len(Path(file).parent.parts) - node.level + 1] if node.level else ()
    return ".".join([*base, *([node.module] if node.module else [])])


def _defining(module: str, name: str) -> str | None:
    """The file in which `from module import name` finds it."""
    submodule, file = _file(f"{module}.{name}"), _file(module)
    if submodule or file is None or not file.endswith("/__init__.py"):
        return submodule or file
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            return _defining(_absolute(node, file), name)
    return file


def _file(module: str) -> str | None:
    if module.split(".", maxsplit=1)[0] not in APPS:
        return None
    stem = module.replace(".", "/")
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file()), None)
