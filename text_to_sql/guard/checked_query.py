"""From a caller's statement to the SQL that may run."""

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.generator import Generator
from sqlglot.tokenizer_core import Token, TokenType

from text_to_sql.guard import syntax, text
from text_to_sql.guard.catalogue import Catalogue
from text_to_sql.guard.functions import NAMES
from text_to_sql.guard.refusal import QueryRefused
from text_to_sql.guard.resolution import Resolver


@dataclass(frozen=True)
class CheckedQuery:
    """The SQL that may run, the tables that it reads, and the most rows that it returns."""

    sql: str
    tables: tuple[str, ...]
    limit: int


@lru_cache(maxsize=512)
def check(sql: str, catalogue: Catalogue, limit: int) -> CheckedQuery:
    """Checks one statement in the catalogue's dialect, and limits its rows. Raises `QueryRefused`.

    No part of the caller's text is in the result: it is generated from the checked tree. The result depends on nothing
    but the arguments, so it is kept: examples are checked for each question, a statement to plan it and to run it.
    """
    with text.parsed(sql, catalogue.dialect) as tree:
        return _checked(tree, catalogue, limit)


def _checked(tree: exp.Expr, catalogue: Catalogue, limit: int) -> CheckedQuery:
    if not isinstance(tree, exp.Query):
        raise QueryRefused("not-a-query", "Only a query can run: write a SELECT.")
    resolver = Resolver(catalogue, fenced=syntax.check_tree(tree, catalogue.dialect))
    try:
        resolver.query(tree, {}, None)
        most = _limit(tree, limit)
        generated = _generator(catalogue.dialect).generate(tree, copy=False)
    except (RecursionError, SqlglotError) as exc:
        raise QueryRefused("too-complex", "The statement can't be written for this database: simplify it.") from exc
    _check_generated(generated, catalogue.dialect)
    return CheckedQuery(generated, tuple(resolver.tables), most)


def _limit(tree: exp.Expr, limit: int) -> int:
    """Adds a LIMIT, or lowers the one that is there. Returns the rows that can come."""
    clause = tree.args.get("limit")
    most = min(_wanted(clause, limit), limit)
    tree.set("limit", exp.Limit(expression=exp.Literal.number(most)))
    _check_offset(tree.args.get("offset"))
    return most


def _wanted(clause: exp.Expr | None, limit: int) -> int:
    """The limit that the statement has. A limit that is no number counts as none."""
    if clause is None:
        return limit
    value = clause.args.get("count") if isinstance(clause, exp.Fetch) else clause.args.get("expression")
    if isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit():
        return int(value.name[:12])
    return limit


def _check_offset(clause: exp.Expr | None) -> None:
    if clause is not None and not (isinstance(clause.expression, exp.Literal) and clause.expression.name.isdigit()):
        raise QueryRefused("construct", "OFFSET must be a number.")


@lru_cache(maxsize=8)
def _options(dialect: str) -> Dialect:
    return Dialect.get_or_raise(dialect)


def _generator(dialect: str) -> Generator:
    """A generator that writes no comments and quotes every name."""
    return _options(dialect).generator(identify=True, comments=False)


def _check_generated(sql: str, dialect: str) -> None:
    """A second net: reads what was generated, as the database will. Raises `QueryRefused`."""
    previous = None
    for token in _options(dialect).tokenize(sql):
        kind = token.token_type
        if kind in _NEVER or token.comments:
            raise QueryRefused("construct", f"{token.text[:30]} is not allowed here.")
        if kind is _BRACKET and previous is not None:
            _check_call(previous, dialect)
        previous = token


def _check_call(token: Token, dialect: str) -> None:
    """A name before a bracket is a function. In quotes it is a table or a list of columns, which sqlglot wrote."""
    if token.token_type is TokenType.VAR and token.text.lower() not in NAMES[dialect]:
        raise syntax.refused_function(token.text)


_BRACKET = TokenType.L_PAREN
_NEVER = frozenset(
    {
        TokenType.SEMICOLON,
        TokenType.INTO,
        TokenType.INSERT,
        TokenType.UPDATE,
        TokenType.DELETE,
        TokenType.CREATE,
        TokenType.DROP,
        TokenType.ALTER,
        TokenType.MERGE,
        TokenType.COMMAND,
        TokenType.PARAMETER,
        TokenType.SESSION_PARAMETER,
        TokenType.COLON_EQ,
        TokenType.HINT,
        TokenType.LOCK,
        TokenType.FOR,
        TokenType.NEXT,
    }
)
