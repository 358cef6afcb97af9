"""Rules for rows: the predicate that a table's rows must fulfil for the caller."""

from functools import lru_cache

from sqlglot import exp

from text_to_sql.guard import syntax, text
from text_to_sql.guard.catalogue import key_of
from text_to_sql.guard.refusal import QueryRefused, unknown


class RuleRefused(QueryRefused):
    """The rule can't be used."""


def check_rule(rule: str, dialect: str, columns: tuple[str, ...]) -> None:
    """Raises `RuleRefused` unless the rule is one predicate over these columns, all columns of the table."""
    known = {key_of(dialect, column) for column in columns}
    for column in predicate(rule, dialect).find_all(exp.Column):
        if column.args.get("table") or _key(column.this, dialect) not in known:
            raise RuleRefused("rule", str(unknown("column", column.sql(dialect), list(columns))))


def predicate(rule: str, dialect: str) -> exp.Expr:
    """A new tree of the rule, in brackets. Raises `RuleRefused`."""
    return _parsed(rule, dialect).copy()


def columns_of_rule(rule: str, dialect: str) -> set[str]:
    """The names of the columns that a rule reads. Raises `RuleRefused`."""
    return {column.name for column in _parsed(rule, dialect).find_all(exp.Column)}


@lru_cache(maxsize=1024)
def _parsed(rule: str, dialect: str) -> exp.Expr:
    try:
        tree = text.parse(f"SELECT 1 WHERE ({rule})", dialect)
        syntax.check_tree(tree, dialect)
    except QueryRefused as exc:
        raise RuleRefused("rule", f"The rule can't be used. {exc}") from None
    where = tree.args.get("where")
    if not isinstance(tree, exp.Select) or where is None or not isinstance(where.this, exp.Paren) or _has_more(tree):
        raise RuleRefused("rule", "The rule must be one predicate, such as clinic = 'north'.")
    for identifier in where.find_all(exp.Identifier):
        identifier.replace(exp.to_identifier(_key(identifier, dialect), quoted=True))
    found = where.this.copy()
    assert isinstance(found, exp.Expr)  # noqa: S101 - for the type checker
    return found


def _has_more(tree: exp.Expr) -> bool:
    """Whether the rule closed the bracket and went on, or reads other tables."""
    clauses = [name for name, value in tree.args.items() if value and name not in {"expressions", "where"}]
    return bool(clauses) or any(tree.find_all(exp.Table)) or len(list(tree.find_all(exp.Select))) > 1


def _key(identifier: exp.Expr, dialect: str) -> str:
    return key_of(dialect, identifier.name, quoted=bool(identifier.args.get("quoted")))
