"""Checks the Korean texts of an app's pages."""

import ast
import gettext
import re
from collections.abc import Iterable
from pathlib import Path


def assert_translated(package: Path, pages: Iterable[Path], *, least: int) -> None:
    """Every text of these pages, `least` or more, is translated, and the compiled file is that of the source."""
    folder = package / "locale/ko/LC_MESSAGES"
    source = (folder / "django.po").read_text("utf-8")
    written = {
        ast.literal_eval(key): ast.literal_eval(text)
        for key, text in re.findall(r'^msgid (".+")\nmsgstr (".+")$', source, re.MULTILINE)
    }
    with (folder / "django.mo").open("rb") as file:
        compiled = {key: text for key, text in gettext.GNUTranslations(file)._catalog.items() if key}  # type: ignore[attr-defined]
    assert compiled == written
    texts = "".join(page.read_text("utf-8") for page in pages)
    used = set(re.findall(r'(?:\b_\(|gettext\(|translate )"([^"]+)"', texts))
    assert used <= written.keys()
    assert len(used) >= least
