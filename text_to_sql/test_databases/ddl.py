"""The tables of a test database in each dialect, from its DDL in MySQL's."""

from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp

Comments = dict[tuple[str, str], str]  # by table and column; a table's own has a blank column


def statements(name: str, dialect: str) -> list[str]:
    """CREATE TABLE for each table; PostgreSQL's comments are statements of their own, SQLite has none."""
    trees = _trees(name)
    if dialect == "mysql":
        return [tree.sql("mysql") for tree in trees]
    found = comments(name)
    created = [_without_comments(tree).sql(dialect) for tree in trees]
    return created + (list(_comment_statements(found)) if dialect == "postgres" else [])


def comments(name: str) -> Comments:
    """The comments of all tables and columns."""
    found: Comments = {}
    for tree in _trees(name):
        table = tree.find(exp.Table)
        assert table is not None  # noqa: S101 - each statement creates a table
        found |= {(table.name, column): text for column, text in _comments_of(tree)}
    return found


def _trees(name: str) -> list[exp.Expr]:
    text = (Path(__file__).parent / name / "ddl.sql").read_text("utf-8")
    return [tree for tree in sqlglot.parse(text, dialect="mysql") if tree is not None]


def _comments_of(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    for own in tree.find_all(exp.SchemaCommentProperty):
        yield "", own.this.name
    for column in tree.find_all(exp.ColumnDef):
        for constraint in column.find_all(exp.CommentColumnConstraint):
            yield column.name, constraint.this.name


def _without_comments(tree: exp.Expr) -> exp.Expr:
    for node in list(tree.find_all(exp.CommentColumnConstraint)):
        parent = node.parent
        if parent is not None:
            parent.pop()
    tree.set("properties", None)
    return tree


def _comment_statements(found: Comments) -> Iterator[str]:
    for (table, column), text in found.items():
        what = f'COLUMN "{table}"."{column}"' if column else f'TABLE "{table}"'
        yield f"COMMENT ON {what} IS '{text}'"
