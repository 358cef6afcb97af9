"""The SQL of the examples, which is SQLite's, in the dialect of another database."""

import re

import sqlglot
from sqlglot import exp

_SHIFT = re.compile(r"([+-]\d+) (day|month|year)s?")


def in_dialect(sql: str, dialect: str) -> str:
    """The statement for `mysql` or `postgres`; as it is for `sqlite`."""
    if dialect == "sqlite":
        return sql
    return sqlglot.parse_one(sql, dialect="sqlite").transform(_without_now).sql(dialect)


def _without_now(node: exp.Expr) -> exp.Expr:
    """`date('now', '-1 month')` as CURRENT_DATE and an interval."""
    words = _words(node)
    if words[:1] != ["now"]:
        return node
    today: exp.Expr = exp.CurrentDate()
    shift = _SHIFT.fullmatch(words[1]) if len(words) == 2 else None
    if shift is None:
        return today if len(words) == 1 else node
    interval = exp.Interval(this=exp.Literal.string(shift[1].lstrip("+-")), unit=exp.Var(this=shift[2].upper()))
    kind = exp.Sub if shift[1].startswith("-") else exp.Add
    return kind(this=today, expression=interval)


def _words(node: exp.Expr) -> list[str]:
    """The texts in the call of `date`; none if it is another node."""
    if isinstance(node, exp.Date):
        return [node.name]
    if isinstance(node, exp.Anonymous) and node.name.upper() == "DATE":
        return [each.name for each in node.expressions]
    return []
