"""The model server runs with nothing but the packages in its own requirements.txt."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.system import ROOT

PACKAGE = ROOT / "ml_server"
# Runs with `python -I -S`, which ignores the environment and site-packages: only the two given paths can be imported.
TRAIN_AND_PREDICT = """
import sys
from pathlib import Path
packages, root, models = sys.argv[1:]
sys.path[:0] = [root, packages]
from ml_server import server, spans
from ml_server.app import create_app
client = create_app(Path(models)).test_client()
for model in client.get("/api/v1/model-info").get_json()["models"]:
    assert client.post("/api/v1/predict", json=model["example"]).status_code == 200
    body = {"model": model["name"], "params": {"epochs": 1}}
    assert client.post("/api/v1/retrain", json=body).status_code == 200
print("trained and predicted")
"""


def pins(path: Path) -> dict[str, Requirement]:
    """The pinned packages of a lock for this platform, by name."""
    lines = re.findall(r"^(\w[^\\\n]*?)\s*\\?$", path.read_text(), re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each for each in requirements if not each.marker or each.marker.evaluate()}


def listed() -> set[str]:
    """The packages in requirements.in."""
    lines = [line.partition("#")[0].strip() for line in (PACKAGE / "requirements.in").read_text().splitlines()]
    return {canonicalize_name(Requirement(line).name) for line in lines if line}


def imported_modules(source: str) -> Iterator[tuple[str, ...]]:
    """For each absolute import of `source`, the names of the modules that it may import, the longest first."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.module) for alias in node.names)


def third_party_imports() -> set[tuple[str, ...]]:
    found = {names for path in PACKAGE.rglob("*.py") for names in imported_modules(path.read_text())}
    own = sys.stdlib_module_names | {PACKAGE.name}
    return {names for names in found if names[-1].partition(".")[0] not in own}


LOCKED = pins(PACKAGE / "requirements.txt")
INSTALLED = {name: distribution(name) for name in LOCKED}
FILES = {name: {str(file) for file in package.files or ()} for name, package in INSTALLED.items()}


def providers(names: tuple[str, ...]) -> set[str]:
    """The locked packages that provide the first of these modules that any of them has."""
    for module in names:
        path = module.replace(".", "/")
        wanted = {f"{path}.py", f"{path}/__init__.py"}
        if found := {name for name, files in FILES.items() if files & wanted}:
            return found
    return set()


@pytest.mark.parametrize("names", sorted(third_party_imports()), ids=lambda names: names[0])
def test_each_third_party_import_is_from_a_listed_package(names: tuple[str, ...]) -> None:
    assert providers(names) & listed()


def test_each_listed_package_is_imported() -> None:
    assert listed() == set().union(*(providers(names) & listed() for names in third_party_imports()))


def test_the_lock_pins_the_versions_that_are_installed_and_that_the_whole_project_uses() -> None:
    project = pins(ROOT / "requirements" / "base.txt")
    assert {name: str(pin.specifier) for name, pin in LOCKED.items()} == {
        name: f"=={package.version}" for name, package in INSTALLED.items()
    }
    assert {name: pin.specifier for name, pin in LOCKED.items()} == {name: project[name].specifier for name in LOCKED}


def test_the_lock_has_a_hash_for_each_package_and_names_no_index() -> None:
    text = (PACKAGE / "requirements.txt").read_text()
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert len(entries) >= len(LOCKED)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"index|find-links|://", text)


def link_packages(folder: Path) -> None:
    """Links the files of the locked packages, and of no other package, into `folder`."""
    for package in INSTALLED.values():
        for file in package.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(Path(str(file.locate())).resolve())


def test_a_fresh_interpreter_with_the_locked_packages_alone_trains_and_predicts(tmp_path: Path) -> None:
    packages, root = tmp_path / "packages", tmp_path / "root"
    link_packages(packages)
    root.mkdir()
    for name in ("ml_server", "models"):
        (root / name).symlink_to(ROOT / name)
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", TRAIN_AND_PREDICT, packages, root, tmp_path / "state"],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout == "trained and predicted\n", ended.stderr
