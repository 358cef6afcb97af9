"""Resolves every name of a query against the catalogue, and wraps each table into its visible columns and rows.

Names are resolved as the database would resolve them. The generated SQL leaves it no choice, though: tables carry their
schema and an alias, columns the alias of their table, and queries of WITH a new name, which no table has.
"""

from collections.abc import Iterator

from sqlglot import exp

from text_to_sql.guard.catalogue import Catalogue, Table, key_of
from text_to_sql.guard.refusal import QueryRefused, not_joined, unknown
from text_to_sql.guard.rules import predicate
from text_to_sql.guard.scope import Columns, Cte, Ctes, Scope, Source, quoted
from text_to_sql.guard.syntax import children
from text_to_sql.guard.text import MAX_NAME

CTE_PREFIX = "cte_"
_ALL_ROWS = {"mysql": 2**64 - 1, "sqlite": 2**63 - 1}
_FIRST_COLUMN = ("group", "having", "where", "joins", "windows", "distinct", "limit", "offset")


class Resolver:
    """Resolves one statement, in place. `tables` collects the names of the tables that it reads.

    `fenced` says that the database must choose a table's rows before it computes anything else with them.
    """

    def __init__(self, catalogue: Catalogue, *, fenced: bool) -> None:
        self._fenced = fenced
        self._catalogue = catalogue
        self._dialect = catalogue.dialect
        self._unnamed = 0
        self.tables: dict[str, None] = {}

    def owners(self, column: str) -> list[str]:
        """The tables with a visible column that has this key."""
        return self._catalogue.owners(column)

    def is_table(self, key: str) -> bool:
        """Whether a visible table has this key."""
        return self._catalogue.find(key) is not None

    def query(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> Columns:
        """Resolves a SELECT, a set operation, or one of these in brackets. Returns its columns by key."""
        ctes = self._with(node, ctes, outer)
        if isinstance(node, exp.Select):
            return _Select(self, node, ctes, outer).resolve()
        if isinstance(node, exp.Subquery):
            columns = self.query(node.this, ctes, outer)
        elif isinstance(node, exp.SetOperation):
            columns = self.query(node.this, ctes, outer)
            self.query(node.expression, ctes, outer)
        else:
            raise QueryRefused("not-a-query", "Only a query can run: write a SELECT.")
        self._order_by_output(node, columns)
        return columns

    def key(self, identifier: exp.Expr) -> str:
        """The key of a name as the caller spelled it."""
        return key_of(self._dialect, identifier.name, quoted=bool(identifier.args.get("quoted")))

    def spelled(self, identifier: exp.Expr) -> str:
        """A new name as the database would store it. Raises `QueryRefused` if it is too long."""
        if not 0 < len(identifier.name) <= MAX_NAME or len(identifier.name.encode()) > MAX_NAME:
            raise QueryRefused("alias", f"A name must have 1 to {MAX_NAME} bytes: shorten {identifier.name[:30]!r}…")
        return self.key(identifier) if self._dialect == "postgres" else identifier.name

    def source(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> tuple[str, Source]:
        """A relation of FROM or JOIN, and the key of its alias."""
        if isinstance(node, exp.Table):
            return self._table(node, ctes)
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
            return self._derived(node, ctes, outer)
        raise QueryRefused("source", "FROM and JOIN take tables and (SELECT …) alias, nothing else.")

    def _with(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> Ctes:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            self._add_cte(cte, known, outer, may_recurse=bool(clause.args.get("recursive")))
        return known

    def _add_cte(self, cte: exp.Expr, known: dict[str, Cte], outer: Scope | None, *, may_recurse: bool) -> None:
        alias = cte.args["alias"]
        key, name = self.key(alias.this), CTE_PREFIX + self.spelled(alias.this)
        body = cte.this
        if may_recurse and isinstance(body, exp.SetOperation) and not body.args.get("with_"):
            first = self._renamed(alias, self.query(body.this, known, outer))
            self.query(body.expression, {**known, key: Cte(name, first)}, outer)
            self._order_by_output(body, first)
            columns = first
        else:
            columns = self._renamed(alias, self.query(body, known, outer))
        known[key] = Cte(name, columns)
        alias.set("this", quoted(name))

    def _renamed(self, alias: exp.Expr, columns: Columns) -> Columns:
        """The columns under the names that `alias` lists, if it lists any."""
        listed = alias.args.get("columns") or []
        if not listed:
            return columns
        names = {self.key(identifier): self.spelled(identifier) for identifier in listed}
        alias.set("columns", [quoted(name) for name in names.values()])
        return names

    def _table(self, node: exp.Table, ctes: Ctes) -> tuple[str, Source]:
        if not isinstance(node.this, exp.Identifier):
            raise QueryRefused("function", "A function can't stand in FROM: use a table.")
        key = self.key(node.this)
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise QueryRefused("alias", "A table's alias can't rename its columns: use AS in the SELECT.")
        alias_key, name = (self.key(alias.this), self.spelled(alias.this)) if alias else (key, "")
        if not node.args.get("db") and key in ctes:
            return alias_key, self._reference(node, ctes[key], name or ctes[key].name.removeprefix(CTE_PREFIX))
        table = self._find(node, key)
        self.tables[table.name] = None
        columns = self._catalogue.columns(table)
        return alias_key, Source(name or table.name, columns, finish=lambda source: self._wrap(node, table, source))

    def _find(self, node: exp.Table, key: str) -> Table:
        schema = node.args.get("db")
        own = key_of(self._dialect, self._catalogue.schema)
        if schema is not None and self.key(schema) != own:
            raise QueryRefused("schema", f"Only tables of this database can be read, not of {schema.name[:60]!r}.")
        table = self._catalogue.find(key)
        if table is None:
            raise unknown("table", node.name, self._catalogue.names())
        return table

    def _reference(self, node: exp.Table, cte: Cte, alias: str) -> Source:
        node.set("this", quoted(cte.name))
        node.set("alias", exp.TableAlias(this=quoted(alias)))
        return Source(alias, cte.columns)

    def _wrap(self, node: exp.Table, table: Table, source: Source) -> None:
        """Replaces a table by a SELECT of the columns that are used, and of the rows that the rule admits."""
        columns: list[exp.Expr] = [quoted(name) for name in source.used] or [exp.Literal.number(1)]
        inner = exp.Select(
            expressions=[exp.Column(this=each) if isinstance(each, exp.Identifier) else each for each in columns],
            from_=exp.From(this=exp.Table(this=quoted(table.name), db=quoted(self._catalogue.schema))),
        )
        if table.rule:
            inner.set("where", exp.Where(this=predicate(table.rule, self._dialect)))
            if self._fenced:
                _fence(inner, self._dialect)
        node.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=quoted(source.alias))))

    def _derived(self, node: exp.Subquery, ctes: Ctes, outer: Scope | None) -> tuple[str, Source]:
        alias = node.args.get("alias")
        columns = self.query(node.this, self._with(node, ctes, outer), outer)
        if alias is None or alias.this is None:
            self._unnamed += 1
            name = key = f"derived_{self._unnamed}"
            node.set("alias", exp.TableAlias(this=quoted(name)))
            return key, Source(name, columns)
        key, name = self.key(alias.this), self.spelled(alias.this)
        columns = self._renamed(alias, columns)
        alias.set("this", quoted(name))
        return key, Source(name, columns)

    def _order_by_output(self, node: exp.Expr, columns: Columns) -> None:
        """Around a set operation or brackets, ORDER BY can name columns of the result only."""
        order = node.args.get("order")
        for column in order.find_all(exp.Column) if order is not None else ():
            if column.args.get("table") or self.key(column.this) not in columns:
                raise unknown("column", column.name, list(columns.values()))
            column.set("this", quoted(columns[self.key(column.this)]))
        if order is not None and order.find(exp.Query):
            raise QueryRefused("construct", "ORDER BY of a UNION can't hold a query: order by a column.")


class _Select:
    """Resolves one SELECT."""

    def __init__(self, resolver: Resolver, node: exp.Select, ctes: Ctes, outer: Scope | None) -> None:
        self._resolver = resolver
        self._node = node
        self._ctes = ctes
        self._scope = Scope(outer)

    def resolve(self) -> Columns:
        """Resolves it all, in the order in which names become known. Returns the columns of its result."""
        self._add_sources()
        self._expand_stars()
        columns = self._name_outputs()
        self._scope.aliases = columns
        for member in ("expressions", *_FIRST_COLUMN, "order"):
            for part in _parts(self._node.args.get(member)):
                self._resolve_part(part, member)
        for source in self._scope.sources.values():
            source.finish(source)
        return columns

    def _add_sources(self) -> None:
        clause = self._node.args.get("from_")
        if clause is None:
            return
        self._scope.add(*self._resolver.source(clause.this, self._ctes, self._scope.outer))
        for join in self._node.args.get("joins") or []:
            before = list(self._scope.sources.values())
            key, source = self._resolver.source(join.this, self._ctes, self._scope.outer)
            self._scope.add(key, source)
            self._merge(join, before, source)

    def _merge(self, join: exp.Expr, before: list[Source], source: Source) -> None:
        """Merges the columns that a join's USING names."""
        names = []
        for identifier in join.args.get("using") or []:
            key = self._resolver.key(identifier.this if isinstance(identifier, exp.Column) else identifier)
            left = [each for each in before if key in each.columns]
            if not left or key not in source.columns:
                raise unknown("column", identifier.name, sorted(source.columns.values()))
            for each in (*left, source):
                each.use(key)
            self._scope.merged.add(key)
            names.append(quoted(source.columns[key]))
        if names:
            join.set("using", names)

    def _expand_stars(self) -> None:
        expanded: list[exp.Expr] = []
        for projection in self._node.expressions:
            expanded.extend(self._columns_of(projection) if projection.is_star else [projection])
        self._node.set("expressions", expanded)

    def _columns_of(self, star: exp.Expr) -> Iterator[exp.Expr]:
        """The columns that `*` or `t.*` stands for. Raises `QueryRefused` for any other use of a star."""
        if isinstance(star, exp.Column):
            source = self._named(star.args["table"])
            yield from (source.column(key) for key in source.columns)
            return
        if not isinstance(star, exp.Star) or not self._scope.sources:
            yield star
            return
        yield from (self._merged(key) for key in sorted(self._scope.merged))
        for source in self._scope.sources.values():
            yield from (source.column(key) for key in source.columns if key not in self._scope.merged)

    def _merged(self, key: str) -> exp.Column:
        return exp.Column(this=quoted(self._scope.having(key)[0].columns[key]))

    def _name_outputs(self) -> Columns:
        columns: Columns = {}
        for projection in self._node.expressions:
            if isinstance(projection, exp.Alias):
                identifier = projection.args["alias"]
                key, name = self._resolver.key(identifier), self._resolver.spelled(identifier)
                projection.set("alias", quoted(name))
                columns[key] = name
            elif isinstance(projection, exp.Column):
                key = self._resolver.key(projection.this)
                columns[key] = self._spelling(projection, key)
        return columns

    def _spelling(self, column: exp.Column, key: str) -> str:
        names = [source.columns[key] for source in self._scope.having(key)]
        return names[0] if names else column.name

    def _resolve_part(self, part: exp.Expr, member: str) -> None:
        """Resolves the columns of one clause. Nested queries see this scope as the one around them."""
        stack = [part]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Query):
                self._resolver.query(node, self._ctes, self._scope)
            elif isinstance(node, exp.Column):
                self._resolve_column(node, member)
            elif isinstance(node, exp.Window):
                stack += children(self._window(node))
            elif member == "joins" and isinstance(node, exp.Join):
                stack += _parts(node.args.get("on"))
            else:
                stack += children(node)

    def _window(self, node: exp.Window) -> exp.Window:
        """Quotes the names of windows: they are names of their own, not columns."""
        for member in ("this", "alias"):
            name = node.args.get(member)
            if isinstance(name, exp.Identifier):
                node.set(member, quoted(self._resolver.spelled(name)))
        return node

    def _resolve_column(self, node: exp.Column, member: str) -> None:
        if isinstance(node.this, exp.Star):
            raise QueryRefused("star", "A star stands alone in SELECT or in COUNT(*): name the columns here.")
        key = self._resolver.key(node.this)
        table = node.args.get("table")
        if table is not None:
            source = self._named(table)
            if key not in source.columns:
                owners = self._resolver.owners(key)
                raise unknown("column", f"{source.alias}.{node.name}", list(source.columns.values()), owners)
            _become(node, source.use(key), source.alias)
        elif member == "order" and key in self._scope.aliases:
            _become(node, self._scope.aliases[key])
        else:
            _become(node, *self._unqualified(node, key, member))

    def _unqualified(self, node: exp.Column, key: str, member: str) -> tuple[str, str]:
        """The name of the column, and its table's alias; a blank one for a merged column or an alias of SELECT."""
        for scope in self._scope.outwards():
            if key in scope.merged:
                return scope.having(key)[0].columns[key], ""
            found = scope.having(key)
            if len(found) > 1:
                raise QueryRefused(
                    "ambiguous", f"The column {node.name[:60]!r} is in several tables: write table.column."
                )
            if found:
                return found[0].use(key), found[0].alias
            if scope is self._scope and member in {"group", "having"} and key in scope.aliases:
                return scope.aliases[key], ""
        known = [name for source in self._scope.sources.values() for name in source.columns.values()]
        raise unknown("column", node.name, known, self._resolver.owners(key))

    def _named(self, table: exp.Expr) -> Source:
        key = self._resolver.key(table)
        for scope in self._scope.outwards():
            if key in scope.sources:
                return scope.sources[key]
        names = [source.alias for source in self._scope.sources.values()]
        if self._resolver.is_table(key):
            raise not_joined(table.name, names)
        raise unknown("table", table.name, names)


def _fence(node: exp.Select, dialect: str) -> None:
    """Keeps the database from computing conditions of the query around it for rows that the rule hides.

    Otherwise their order is the planner's choice, and an error's words, or that there is one, tell a hidden value. No
    database moves a condition into a query that has a limit; these limits leave all rows.
    """
    if dialect == "postgres":
        node.set("offset", exp.Offset(expression=exp.Literal.number(0)))
    else:
        node.set("limit", exp.Limit(expression=exp.Literal.number(_ALL_ROWS[dialect])))


def _become(node: exp.Column, name: str, table: str = "") -> None:
    node.set("this", quoted(name))
    node.set("table", quoted(table) if table else None)


def _parts(value: object) -> list[exp.Expr]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, exp.Expr)]
