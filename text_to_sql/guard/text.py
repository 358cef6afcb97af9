"""Reads the text of a statement into a tree, within bounds.

Some constructs take the parser exponential time or deep recursion: brackets after names of types, joins without a
condition. So the bounds are checked on the tokens, before the text is parsed.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from text_to_sql.guard.refusal import QueryRefused

MAX_CHARACTERS = 20_000
MAX_TOKENS = 4_000
MAX_BRACKETS = 24  # levels of nesting
MAX_TYPE_BRACKETS = 4  # levels of brackets after a word that is also a type's name, such as DATE( or CHAR(
MAX_JOINS = 12
MAX_SET_OPERATIONS = 40
MAX_NAME = 60  # characters; PostgreSQL silently cuts names at 63 bytes

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_SET_OPERATIONS = {TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT}
_EXECUTED_COMMENTS = ("!", "M!", "+")  # MySQL and MariaDB run what such a comment holds

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the statement


@contextmanager
def parsed(sql: str, dialect: str) -> Iterator[exp.Expr]:
    """The tree of the one statement in `sql`, which is freed afterwards. Raises `QueryRefused`.

    A node refers to its parent and back. Left like that, trees would wait for the garbage collector, which then stops
    every thread of the process for as long as it takes to check a statement.
    """
    tree = parse(sql, dialect)
    nodes = list(tree.walk())  # of which some are not in the tree any more when it has been resolved
    try:
        yield tree
    finally:
        free(*nodes, *tree.walk())


def free(*nodes: exp.Expr) -> None:
    """Lets go of trees with all of their nodes, without the garbage collector."""
    for node in nodes:
        node.parent = None


def parse(sql: str, dialect: str) -> exp.Expr:
    """The tree of the one statement in `sql`. Raises `QueryRefused`."""
    _check_characters(sql)
    language = Dialect.get_or_raise(dialect)
    try:
        tokens = language.tokenize(sql)
        _check_tokens(tokens)
        trees = [tree for tree in language.parser().parse(tokens, sql) if tree is not None]
    except (SqlglotError, RecursionError, ValueError, IndexError, KeyError, AttributeError, TypeError) as exc:
        raise QueryRefused("not-sql", f"The statement can't be read as SQL: {_first_line(exc)}") from None
    if len(trees) != 1:
        free(*(node for tree in trees for node in tree.walk()))
        raise QueryRefused("statements", f"Send exactly one statement; this is {len(trees)}.")
    return trees[0]


def _check_characters(sql: str) -> None:
    if len(sql) > MAX_CHARACTERS:
        raise QueryRefused("too-long", f"The statement has {len(sql)} characters; {MAX_CHARACTERS} are the limit.")
    if _CONTROL.search(sql):
        raise QueryRefused("characters", "The statement has control characters: remove them.")
    if _SURROGATE.search(sql):
        raise QueryRefused("characters", "The statement has half of a surrogate pair: send valid Unicode.")


def _check_tokens(tokens: Sequence[Token]) -> None:
    if len(tokens) > MAX_TOKENS:
        raise QueryRefused("too-long", f"The statement has {len(tokens)} words; {MAX_TOKENS} are the limit.")
    kinds = [token.token_type for token in tokens]
    if TokenType.HINT in kinds or _has_executed_comment(tokens):
        raise QueryRefused("comment", "Comments that a database executes are refused: remove /*! and /*+.")
    _check_count(kinds.count(TokenType.JOIN), MAX_JOINS, "joins")
    _check_count(sum(map(kinds.count, _SET_OPERATIONS)), MAX_SET_OPERATIONS, "set operations")
    _check_nesting(kinds)


def _has_executed_comment(tokens: Iterable[Token]) -> bool:
    return any(comment.startswith(_EXECUTED_COMMENTS) for token in tokens for comment in token.comments)


def _check_count(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise QueryRefused("too-complex", f"The statement has more than {limit} {what}: ask for less at once.")


def _check_nesting(kinds: Iterable[TokenType]) -> None:
    """Counts the open brackets, and those of them that follow a type's name."""
    open_brackets: list[bool] = []
    previous = None
    for kind in kinds:
        if kind in _OPENING:
            open_brackets.append(previous in Parser.TYPE_TOKENS)
            if len(open_brackets) > MAX_BRACKETS or sum(open_brackets) > MAX_TYPE_BRACKETS:
                raise QueryRefused("too-complex", "The statement nests brackets too deep: write it with WITH.")
        elif open_brackets and kind in _CLOSING:
            open_brackets.pop()
        previous = kind


def _first_line(exc: Exception) -> str:
    lines = str(exc).splitlines() if isinstance(exc, SqlglotError) else []
    return lines[0].replace("\x1b[4m", "").replace("\x1b[0m", "")[:200] if lines else "it nests too deep."
