"""Checks the Korean texts of an app's pages."""

import ast
import gettext
import re
from collections.abc import Collection, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from django.template.base import Lexer, TokenType
from django.utils import translation
from django.utils.translation.template import templatize

KOREAN: dict[str, Any] = {"HTTP_ACCEPT_LANGUAGE": "ko-KR,ko;q=0.9,en;q=0.8"}  # for Django's test client
NAMES = frozenset({"ML", "Proxy", "API", "CSV", "UTC", "ISO", "UTF", "Asia", "Seoul", "Authorization", "Bearer"})

_MARKED = re.compile(r"""\b(?:gettext|_)\(u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)""")
_FUNCTIONS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_WORD = re.compile(r"[A-Za-z]{2,}")
_SHOWN = {"alt", "aria-label", "placeholder", "title"}  # attributes that a reader sees or hears


def assert_translated(package: Path, pages: Iterable[Path], *, least: int) -> None:
    """Every text of these pages, `least` or more, is translated, and the compiled file is that of the source.

    A template has no text outside of its tags for translation.
    """
    folder = package / "locale/ko/LC_MESSAGES"
    source = (folder / "django.po").read_text("utf-8")
    written = {
        ast.literal_eval(key): ast.literal_eval(text)
        for key, text in re.findall(r'^msgid (".+")\nmsgstr (".+")$', source, re.MULTILINE)
    }
    assert "fuzzy" not in source
    assert len(written) == source.count("\nmsgid ") - 1  # none is empty or of several lines; the first is the header
    with (folder / "django.mo").open("rb") as file:
        compiled = {key: text for key, text in gettext.GNUTranslations(file)._catalog.items() if key}  # type: ignore[attr-defined]
    assert compiled == written
    with translation.override("ko"):  # an app that is installed earlier may translate the same text in another way
        assert {key: translation.gettext(key) for key in written} == written
    used: set[str] = set()
    for page in pages:
        text = page.read_text("utf-8")
        used.update(_in_template(text) if page.suffix == ".html" else _in_module(text))
        assert page.suffix != ".html" or _unmarked(text) == [], page
    assert used <= written.keys(), used - written.keys()
    assert len(used) >= least


def english(html: str, *names: str) -> Collection[str]:
    """The English words that a reader of this page meets, besides code, `NAMES` and these names."""
    reader = _Reader()
    reader.feed(html)
    return {word for text in reader.texts for word in _WORD.findall(text)} - NAMES - set(names)


def _in_template(text: str) -> Iterator[str]:
    return (ast.literal_eval(literal) for literal in _MARKED.findall(templatize(text)))


def _in_module(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            [value] = node.args
            if isinstance(value, ast.Constant):
                yield str(value.value)


def _unmarked(template: str) -> list[str]:
    """The texts of a template that no tag translates."""
    reader, is_marked = _Reader(), False
    for token in Lexer(template).tokenize():
        if token.token_type == TokenType.BLOCK:
            is_marked = token.contents.startswith("blocktrans") or (is_marked and "endblocktrans" not in token.contents)
        elif token.token_type == TokenType.TEXT and not is_marked:
            reader.feed(token.contents)
    reader.close()
    return [text for text in reader.texts if set(_WORD.findall(text)) - NAMES]


class _Reader(HTMLParser):
    """Collects what a page shows outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code = tag in {"code", "pre", "style"}
        self.texts += [value for name, value in attrs if name in _SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._in_code = False

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.texts.append(data)
