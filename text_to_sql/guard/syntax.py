"""The kinds of nodes that a checked tree may have. What is not listed is refused, also what a new parser may add."""

# ruff: noqa: E501 - tables of words
from collections.abc import Callable, Mapping

from sqlglot import exp

from text_to_sql.guard.functions import CLASSES, NAMES
from text_to_sql.guard.refusal import QueryRefused

# Nodes that can carry a clause with an effect: only these members may be set.
_MEMBERS: Mapping[type[exp.Expr], frozenset[str]] = {
    kind: frozenset(members.split())
    for kind, members in {
        exp.Select: "with_ expressions distinct from_ joins where group having windows order limit offset",
        exp.Union: "with_ this expression distinct order limit offset",
        exp.Except: "with_ this expression distinct order limit offset",
        exp.Intersect: "with_ this expression distinct order limit offset",
        exp.Subquery: "this alias with_ order limit offset",
        exp.With: "expressions recursive",
        exp.CTE: "this alias materialized",
        exp.TableAlias: "this columns",
        exp.From: "this",
        exp.Join: "this on side kind using",
        exp.Table: "this alias db",
        exp.Distinct: "expressions on",
        exp.Star: "",
        exp.Column: "this table",
        exp.Identifier: "this quoted",
        exp.Group: "expressions rollup cube grouping_sets",
        exp.Order: "expressions",
        exp.Ordered: "this desc nulls_first",
        exp.Limit: "expression",
        exp.Offset: "expression",
        exp.Fetch: "direction count limit_options",
        exp.LimitOptions: "rows",
        exp.In: "this expressions query",
        exp.DataType: "this expressions nested values kind",
        exp.Interval: "this unit",
    }.items()
}
_PLAIN_NAMES = """
    Where Having Alias Literal Boolean Null Paren Tuple And Or Not Xor EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ
    Is Between Like ILike Escape Glob SimilarTo RegexpLike Any All Add Sub Mul Div IntDiv Mod DPipe Neg BitwiseAnd
    BitwiseOr DataTypeParam Var Window WindowSpec Filter WithinGroup AtTimeZone Rollup Cube GroupingSets IgnoreNulls RespectNulls
    JSONPath JSONPathRoot JSONPathKey JSONPathSubscript
    """
_PLAIN: frozenset[type[exp.Expr]] = frozenset(getattr(exp, name) for name in _PLAIN_NAMES.split())
_TYPE_NAMES = """
    BOOLEAN TINYINT SMALLINT MEDIUMINT INT UINT BIGINT UBIGINT FLOAT DOUBLE DECIMAL CHAR VARCHAR NCHAR NVARCHAR TEXT
    DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ TIMESTAMPNTZ DATETIME YEAR INTERVAL UUID JSON JSONB BINARY BLOB
    """
_TYPES = frozenset(getattr(exp.DataType.Type, name) for name in _TYPE_NAMES.split())


# Nodes that no value of a row makes fail. Aggregates are here too: they are computed once WHERE has been.
_SAFE_NAMES = """
    Select Union Except Intersect With CTE TableAlias From Join Table Where Group Having Order Ordered Limit Offset Fetch
    Distinct Star Column Identifier Alias Literal Boolean Null Paren Tuple And Or Not EQ NEQ GT GTE LT LTE Is In Between
    Count Sum Avg Min Max
    """
_SAFE: frozenset[type[exp.Expr]] = frozenset(getattr(exp, name) for name in _SAFE_NAMES.split())


def check_tree(tree: exp.Expr, dialect: str) -> bool:
    """Whether a value of some row could make the query fail. Raises `QueryRefused` unless all nodes are allowed."""
    stack: list[exp.Expr] = [tree]
    may_fail = False
    while stack:
        node = stack.pop()
        kind = type(node)
        _check_node(node, kind, dialect)
        may_fail = may_fail or not (kind in _SAFE or _is_source(node))
        stack += children(node)
    return may_fail


def children(node: exp.Expr) -> list[exp.Expr]:
    """The nodes right below a node."""
    found: list[exp.Expr] = []
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, exp.Expr)]
    return found


def _is_source(node: exp.Expr) -> bool:
    """A query in FROM may have any number of rows. One that stands for a value fails if it has several."""
    return isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From | exp.Join)


def _check_node(node: exp.Expr, kind: type[exp.Expr], dialect: str) -> None:
    members = _MEMBERS.get(kind)
    if members is not None:
        if not members.issuperset(node.args):  # most nodes have no others, not even empty ones
            _check_members(node, members)
    elif kind is exp.Anonymous:
        _check_called(node, dialect)
    elif kind not in _PLAIN and kind not in CLASSES:
        raise QueryRefused("construct", f"{_name(node)} is not allowed here: write a plain SELECT without it.")
    check = _CHECKS.get(kind)
    if check is not None:
        check(node)


def _check_members(node: exp.Expr, allowed: frozenset[str]) -> None:
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False, [], ""):
            raise QueryRefused("construct", f"{_name(node)} with {name} is not allowed here: leave that part out.")


def _check_called(node: exp.Expr, dialect: str) -> None:
    name = node.args.get("this")
    if not isinstance(name, str) or name.lower() not in NAMES[dialect]:
        raise refused_function(str(name))


def _check_variable(node: exp.Expr) -> None:
    """A word that is written as it is, such as the unit of an interval."""
    if not (node.name.isascii() and node.name.replace("_", "").replace(" ", "").isalnum()):
        raise QueryRefused("construct", f"{node.name[:50]!r} is not allowed here.")


def _check_type(node: exp.Expr) -> None:
    if node.args.get("this") not in _TYPES:
        raise QueryRefused("type", f"The type {_name(node)} is not allowed: use a number, text, date or time type.")


def _check_join(node: exp.Expr) -> None:
    if node.text("side").upper() not in _SIDES or node.text("kind").upper() not in _KINDS:
        raise QueryRefused("join", "Only INNER, LEFT, RIGHT, FULL and CROSS joins with ON or USING are allowed.")


def refused_function(name: str) -> QueryRefused:
    """The refusal of a function that is not on the list."""
    return QueryRefused("function", f"The function {name[:60]} is not on the list of functions that a query may call.")


def _name(node: exp.Expr) -> str:
    return type(node).__name__.upper()


_SIDES = {"", "LEFT", "RIGHT", "FULL"}
_KINDS = {"", "INNER", "OUTER", "CROSS"}
_CHECKS: Mapping[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Var: _check_variable,
    exp.DataType: _check_type,
    exp.Join: _check_join,
}
