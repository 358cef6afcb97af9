"""The pages of the documentation: links lead somewhere, and both READMEs have the same commands."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from accounts.roles import ROLES
from accounts.scopes import SCOPES
from tests.support.system import ROOT, procfile

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """The pages that are under version control, or will be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of headings, as the hosting service makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each)).lower() for each in headings)
    return {each.strip().replace(" ", "-") for each in plain}


def broken(page: Path) -> list[str]:
    found = []
    for link in LINK.findall(without_code(page.read_text())):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[a](#a-page) [b](#b) [c](missing.md) [d](https://clinic.example)\n")
    assert broken(page) == ["#b", "missing.md"]


def test_the_korean_readme_has_the_same_commands() -> None:
    english, korean = (BLOCK.findall((ROOT / name).read_text()) for name in ("README.md", "README.ko.md"))
    assert len(english) > 5
    assert korean == english


def test_the_korean_readme_has_the_same_sections_and_links() -> None:
    english, korean = (
        [len(re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE)) for pattern in ("^## ", r"^\| ")]
        for name in ("README.md", "README.ko.md")
    )
    assert korean == english
    linked = [set(LINK.findall((ROOT / name).read_text())) for name in ("README.md", "README.ko.md")]
    assert linked[0] ^ linked[1] == {"README.md", "README.ko.md"}


def test_the_picture_has_every_process() -> None:
    drawn = set(re.findall(r'class="t">([\w-]+)</text>', (ROOT / "docs" / "processes.svg").read_text()))
    assert set(procfile()) <= drawn


def test_the_page_on_access_has_every_role_and_scope() -> None:
    page = (ROOT / "docs" / "access.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(SCOPES)
    [roles] = re.findall(r"^\| \| (clinician .+) \|$", page, re.MULTILINE)
    assert set(roles.split(" | ")) == set(ROLES)
