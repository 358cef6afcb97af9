"""Divisions of whole numbers in a query, whose fraction SQLite and PostgreSQL drop.

A column has the type that its table, its derived table or its WITH gives it, not that of another column of its name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from text_to_sql.guard.syntax import children

Widths = Mapping[str, int]  # the bytes of a column's whole numbers, or 0 for another type; by its name in lower case
Output = list[tuple[str, int]]  # the columns of a query, in order

_TYPE = re.compile(r"(?:(BIG)|TINY|SMALL|MEDIUM)?INT(?:EGER)?\b(?!\s*\[)|BOOL", re.IGNORECASE)
_INT, _BIG = 4, 8
_NAMED_IN = {"group", "having", "order"}  # where a name may be that of an output
_ONE = exp.Paren | exp.Neg | exp.Abs | exp.Filter | exp.Window | exp.Nullif
_SEVERAL = exp.Min | exp.Max | exp.Coalesce | exp.Greatest | exp.Least
_TRUTHS = exp.Predicate | exp.Connector | exp.Not | exp.Boolean


def width(data_type: str) -> int:
    """The bytes of a type of whole numbers, or 0. Truth values are whole numbers where they can be divided at all."""
    match = _TYPE.match(data_type)
    if match is None:
        return 0
    return _BIG if match[1] else _INT


def divides_whole(tree: exp.Query, dialect: str, tables: Mapping[str, Widths]) -> bool:
    """Whether a fraction is lost which the query does not drop on purpose."""
    reader = _Reader(dialect, tables)
    reader.query(tree, {}, None)
    return reader.has_found


@dataclass(eq=False)
class _Scope:
    """The sources of one SELECT by alias, its outputs, and the SELECT around it."""

    outer: "_Scope | None"
    sources: dict[str, Widths] = field(default_factory=dict)
    outputs: Output = field(default_factory=list)

    def width(self, column: exp.Column, *, may_be_output: bool) -> int:
        """That of a column in the innermost SELECT which knows the name; 0 unless all that it may mean is whole."""
        name, table = column.name.lower(), column.table.lower()
        found = [each for output, each in self.outputs if may_be_output and not table and output == name]
        scope: _Scope | None = self
        while scope is not None and not found:
            found = [each[name] for alias, each in scope.sources.items() if name in each and table in {"", alias}]
            scope = None if table in scope.sources else scope.outer
        return max(found) if found and all(found) else 0


class _Reader:
    """Reads a query, and the queries in it first."""

    def __init__(self, dialect: str, tables: Mapping[str, Widths]) -> None:
        self._is_sqlite = dialect == "sqlite"
        self._tables = tables
        self._values: dict[int, int] = {}  # the widths of queries that stand for a value, by `id`
        self.has_found = False

    def query(self, node: exp.Expr, ctes: Mapping[str, Widths], outer: _Scope | None) -> Output:
        """The columns of its result."""
        known = self._with(node, ctes, outer)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, known, outer)
        if isinstance(node, exp.SetOperation):
            first, second = (self.query(each, known, outer) for each in (node.this, node.expression))
            pairs = zip(first, second, strict=False)  # the database compares their numbers
            return [(name, max(left, right) if left and right else 0) for (name, left), (_, right) in pairs]
        return self._select(node, known, outer) if isinstance(node, exp.Select) else []

    def _with(self, node: exp.Expr, ctes: Mapping[str, Widths], outer: _Scope | None) -> Mapping[str, Widths]:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            name = cte.alias.lower()
            inner = {**known, name: {}} if clause.args.get("recursive") else known
            known[name] = _renamed(cte, self.query(cte.this, inner, outer))
        return known

    def _select(self, node: exp.Select, ctes: Mapping[str, Widths], outer: _Scope | None) -> Output:
        scope = _Scope(outer)
        for relation in _relations(node):
            alias = relation.alias_or_name.lower() or f"{len(scope.sources)}"
            scope.sources[alias] = self._source(relation, ctes, outer)
        divisions = list(self._divisions(node, ctes, scope))
        outputs = [output for each in node.expressions for output in self._outputs(each, scope)]
        scope.outputs = outputs
        whole = [
            (member, div)
            for member, div in divisions
            if all(self._width(side, scope, may_be_output=member in _NAMED_IN) for side in (div.left, div.right))
        ]
        meant = _group_keys(node, [div for _, div in whole], {div for member, div in whole if member == "group"})
        self.has_found |= any(div not in meant and not _is_meant(div) for _, div in whole)
        return outputs

    def _source(self, node: exp.Expr, ctes: Mapping[str, Widths], outer: _Scope | None) -> Widths:
        if isinstance(node, exp.Subquery):
            return _renamed(node, self.query(node, ctes, outer))
        name = node.name.lower()
        return ctes[name] if name in ctes and not node.args.get("db") else self._tables.get(name, {})

    def _divisions(self, node: exp.Select, ctes: Mapping[str, Widths], scope: _Scope) -> Iterator[tuple[str, exp.Div]]:
        """Those of this SELECT alone, with the clause of each. Notes the widths of the queries in it."""
        stack = [(member, part) for member, part in _clauses(node) if member not in {"with_", "from_"}]
        while stack:
            member, part = stack.pop()
            if isinstance(part, exp.Query):
                columns = self.query(part, ctes, scope)
                self._values[id(part)] = columns[0][1] if len(columns) == 1 else 0
                continue
            if isinstance(part, exp.Div):
                yield member, part
            relation = part.this if isinstance(part, exp.Join) else None
            stack += [(member, each) for each in children(part) if each is not relation]

    def _outputs(self, node: exp.Expr, scope: _Scope) -> Output:
        if node.is_star:
            of = node.args.get("table") if isinstance(node, exp.Column) else None
            sources = scope.sources if of is None else {of.name.lower(): scope.sources.get(of.name.lower(), {})}
            return [pair for each in sources.values() for pair in each.items()]
        return [(node.alias_or_name.lower(), self._width(node.unalias(), scope, may_be_output=False))]

    def _width(self, node: exp.Expr, scope: _Scope, *, may_be_output: bool) -> int:
        """The bytes of a value that is whole, or 0. PostgreSQL's sum of BIGINT is a NUMERIC, which keeps a fraction."""
        widest = 0
        stack = [(node, False)]
        while stack:
            part, is_in_sum = stack.pop()
            if isinstance(part, exp.Null):
                continue
            if isinstance(part, exp.Sum) and not (is_in_sum and not self._is_sqlite):
                stack.append((part.this, True))
                continue
            if values := _values(part):
                stack += [(each, is_in_sum) for each in values]
                continue
            found = self._leaf(part, scope, may_be_output=may_be_output)
            if not found or (is_in_sum and found == _BIG and not self._is_sqlite):
                return 0
            widest = max(widest, _BIG if is_in_sum else found)
        return widest

    def _leaf(self, node: exp.Expr, scope: _Scope, *, may_be_output: bool) -> int:
        if isinstance(node, exp.Column):
            return scope.width(node, may_be_output=may_be_output)
        if isinstance(node, exp.Literal):
            return _literal(node)
        if isinstance(node, exp.Query):
            return self._values.get(id(node), 0)
        if isinstance(node, exp.Cast):
            return width(node.to.sql())
        if isinstance(node, exp.Count):
            return _BIG
        return _INT if isinstance(node, exp.Length) or (self._is_sqlite and isinstance(node, _TRUTHS)) else 0


def _values(node: exp.Expr) -> list[exp.Expr]:
    """What the value of a node is one of, or is computed from in whole numbers if all of these are whole."""
    if isinstance(node, exp.Case):
        return [*(each.args["true"] for each in node.args["ifs"]), *filter(None, [node.args.get("default")])]
    if isinstance(node, exp.If):
        return [each for each in (node.args.get("true"), node.args.get("false")) if each is not None]
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return [node.left, node.right]
    if isinstance(node, exp.Distinct):
        return list(node.expressions)
    if isinstance(node, _SEVERAL):
        return [node.this, *node.expressions]
    return [node.this] if isinstance(node, _ONE) else []


def _literal(node: exp.Literal) -> int:
    if node.is_string or not node.name.isdecimal() or len(node.name) > 19:  # a longer one is no whole number
        return 0
    return _INT if int(node.name) < 2**31 else _BIG


def _clauses(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    for member, value in node.args.items():
        items = value if isinstance(value, list) else [value]
        yield from ((member, item) for item in items if isinstance(item, exp.Expr))


def _relations(node: exp.Select) -> list[exp.Expr]:
    clause = node.args.get("from_")
    return [each.this for each in (clause, *(node.args.get("joins") or ())) if each is not None]


def _renamed(node: exp.Expr, columns: Output) -> Widths:
    """By the names that the alias lists; those that it does not list keep theirs."""
    alias = node.args.get("alias")
    listed = alias.args.get("columns") if isinstance(alias, exp.Expr) else None
    names = [each.name.lower() for each in listed or []]
    names += [name for name, _ in columns[len(names) :]]
    return dict(zip(names, (each for _, each in columns), strict=False))


def _group_keys(node: exp.Select, divisions: list[exp.Div], keys: set[exp.Div]) -> set[exp.Div]:
    """Divisions by a number that put rows into groups, such as ages by decades: those in GROUP BY or named there."""
    group = node.args.get("group")
    named = {each.name.lower() for each in group.expressions} if group is not None else set()
    shown = enumerate(node.expressions, start=1)
    parts = [each for place, each in shown if named & {each.alias.lower() or None, str(place)}]
    below = {id(div) for part in parts if not part.find(exp.AggFunc) for div in part.find_all(exp.Div)}
    keys |= {div for div in divisions if id(div) in below}
    return {each for each in keys if isinstance(each.right, exp.Literal)}


def _is_meant(div: exp.Div) -> bool:
    """Whether the fraction is dropped in words, or the quotient multiplied by its divisor again."""
    parent = div.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Mul):
        return div.right in {parent.left, parent.right}
    return isinstance(parent, exp.Floor | exp.Trunc) or (isinstance(parent, exp.Cast) and width(parent.to.sql()) > 0)
