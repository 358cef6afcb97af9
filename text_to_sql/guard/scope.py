"""What names mean at one place of a query."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from text_to_sql.guard.refusal import QueryRefused

Columns = dict[str, str]  # the columns of a relation: as the generated SQL spells them, by key


@dataclass(frozen=True)
class Cte:
    """A query of a WITH: its name in the generated SQL, and its columns."""

    name: str
    columns: Columns


Ctes = Mapping[str, Cte]  # by the key of the name that the caller gave


@dataclass(eq=False)
class Source:
    """A relation in FROM. `used` are the columns that the query mentions; `finish` puts the final SQL in place."""

    alias: str
    columns: Columns
    used: dict[str, None] = field(default_factory=dict)
    finish: Callable[["Source"], None] = lambda _: None

    def use(self, key: str) -> str:
        """The name of a column, which the query mentions."""
        name = self.columns[key]
        self.used[name] = None
        return name

    def column(self, key: str) -> exp.Column:
        """A qualified column."""
        return exp.Column(this=quoted(self.use(key)), table=quoted(self.alias))


@dataclass(eq=False)
class Scope:
    """The sources of one SELECT by key, the columns that USING merged, its aliases, and the SELECT around it."""

    outer: "Scope | None"
    sources: dict[str, Source] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    aliases: Columns = field(default_factory=dict)

    def add(self, key: str, source: Source) -> None:
        """Adds a source. Raises `QueryRefused` if the alias is used twice."""
        if key in self.sources:
            raise QueryRefused("alias", f"The alias {source.alias[:60]!r} is used twice: give each table its own.")
        self.sources[key] = source

    def outwards(self) -> Iterator["Scope"]:
        """This scope and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def having(self, key: str) -> list[Source]:
        """The sources of this SELECT that have the column."""
        return [source for source in self.sources.values() if key in source.columns]


def quoted(name: str) -> exp.Identifier:
    """A name, to be written in quotes."""
    return exp.Identifier(this=name, quoted=True)
