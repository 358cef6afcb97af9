"""The visible tables of a database with what is known of them, kept in this process until any of it changes.

What a caller may see is never decided by it: `catalogue.catalogue_of` reads that for each request.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.models import Prefetch

from text_to_sql.models import Column, Database, Example, Table

_KEPT = 16  # databases
# As text, since Django takes longer to write these aggregates than the database to compute them.
_VERSION = """
SELECT 1 AS kind, MAX(updated_at), COUNT(*), COUNT(*) FILTER (WHERE hidden)
    FROM text_to_sql_table WHERE database_id = %s
UNION ALL SELECT 2, MAX(c.updated_at), COUNT(*), COUNT(*) FILTER (WHERE c.hidden)
    FROM text_to_sql_column c JOIN text_to_sql_table t ON t.id = c.table_id WHERE t.database_id = %s
UNION ALL SELECT 3, MAX(updated_at), COUNT(*), MAX(id) FROM text_to_sql_synonym WHERE database_id = %s
UNION ALL SELECT 4, MAX(updated_at), COUNT(*), MAX(id) FROM text_to_sql_example WHERE database_id = %s
ORDER BY kind
"""

T = TypeVar("T")
Synonyms = tuple[tuple[str, str], ...]  # a word, and what it means
Version = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class KnownTables:
    """All threads share it: do not change it.

    `tables` have their visible columns prefetched. `synonyms` are other words, by what they mean in lower case.
    `names` are those of all tables and columns in lower case, hidden ones too. `examples` are the verified ones, the
    newest first: the newest correction counts.
    """

    version: Version
    tables: tuple[Table, ...]
    pairs: Synonyms
    synonyms: Mapping[str, list[str]]
    names: frozenset[str]
    examples: tuple[Example, ...]


_kept: dict[int, KnownTables] = {}  # by database; the last one was used last
_lock = Lock()


def known_tables(database: Database) -> KnownTables:
    """The newest state of the metadata, by one short query if it did not change."""
    version = _version(database)
    known = _kept.get(database.pk)
    if known is None or known.version != version:
        known = _read(database, version)
    with _lock:
        _kept.pop(database.pk, None)
        _kept[database.pk] = known
        while len(_kept) > _KEPT:
            del _kept[next(iter(_kept))]
    return known


def kept(build: Callable[[KnownTables], T]) -> Callable[[KnownTables], T]:
    """What is built of known tables, kept as long as they are."""
    found: WeakKeyDictionary[KnownTables, T] = WeakKeyDictionary()

    @wraps(build)
    def get(known: KnownTables) -> T:
        built = found.get(known)
        if built is None:
            built = found[known] = build(known)
        return built

    return get


def _version(database: Database) -> Version:
    """Changes with every change: a new synonym or example has a new id, hiding and deleting change a count.

    All else changes the newest time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VERSION, [database.pk] * 4)
        return tuple(cursor.fetchall())


def _read(database: Database, version: Version) -> KnownTables:
    every = Table.objects.filter(database=database)
    visible = Prefetch("columns", Column.objects.filter(hidden=False))
    pairs = tuple(database.synonyms.order_by("word", "id").values_list("word", "means"))
    synonyms: dict[str, list[str]] = {}
    for word, means in pairs:
        synonyms.setdefault(means.casefold(), []).append(word)
    names = frozenset(name.casefold() for row in every.values_list("name", "columns__name") for name in row if name)
    tables = tuple(every.filter(hidden=False).prefetch_related(visible))
    return KnownTables(version, tables, pairs, synonyms, names, tuple(database.examples.order_by("-id")))


def columns_of(known: KnownTables) -> Iterator[Column]:
    """All visible columns."""
    return (column for table in known.tables for column in table.columns.all())
