"""What a query may read: the visible tables and columns of one database, and the rules for their rows."""

from dataclasses import dataclass, field

DIALECTS = ("mysql", "postgres", "sqlite")

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True)
class Table:
    """A visible table: its name and visible columns as the database spells them.

    `rule` is a predicate in the database's dialect over all columns of the table, hidden ones too; the query sees only
    rows for which it is true. Blank: all rows.
    """

    name: str
    columns: tuple[str, ...]
    rule: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The visible tables of one database. `schema` is the one they are in: a schema of PostgreSQL, a MySQL database."""

    dialect: str
    schema: str
    tables: tuple[Table, ...]
    _by_key: dict[str, Table] = field(init=False, repr=False, compare=False, default_factory=dict)
    _columns: dict[str, dict[str, str]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Raises `ValueError` for an unknown dialect."""
        if self.dialect not in DIALECTS:
            raise ValueError(f"the dialect must be one of {', '.join(DIALECTS)}")
        for table in self.tables:
            self._by_key[key_of(self.dialect, table.name)] = table
            self._columns[table.name] = {key_of(self.dialect, column): column for column in table.columns}

    def find(self, key: str) -> Table | None:
        """The table whose name a query spells with this key."""
        return self._by_key.get(key)

    def columns(self, table: Table) -> dict[str, str]:
        """The visible columns of a table by key. Do not change it."""
        return self._columns[table.name]

    def owners(self, column: str) -> list[str]:
        """The names of the tables with a visible column that has this key."""
        return [table.name for table in self.tables if column in self._columns[table.name]]

    def names(self) -> list[str]:
        """The names of all tables."""
        return [table.name for table in self.tables]


def key_of(dialect: str, name: str, *, quoted: bool = True) -> str:
    """What is equal for two spellings of one name.

    PostgreSQL folds names without quotes to lower case. MySQL and SQLite ignore the case of ASCII letters; other
    letters are never folded, so that a homoglyph is another name.
    """
    return name if dialect == "postgres" and quoted else name.translate(_LOWER)
