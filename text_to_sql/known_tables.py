"""The visible tables of a database with what is known of them, kept in this process until their metadata change.

What a caller may see is never decided by it: `catalogue.catalogue_of` reads that for each request.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count, Max, Prefetch, Q

from text_to_sql.models import Column, Database, Table

CACHED = 16  # databases

Synonyms = tuple[tuple[str, str], ...]  # a word, and what it means
Version = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class KnownTables:
    """All threads share it: do not change it.

    `tables` have their visible columns prefetched. `synonyms` are other words, by what they mean in lower case.
    `names` are those of all tables and columns in lower case, hidden ones too.
    """

    tables: tuple[Table, ...]
    pairs: Synonyms
    synonyms: Mapping[str, list[str]]
    names: frozenset[str]


def known_tables(database: Database) -> KnownTables:
    """The newest state of the metadata, by two short queries if it did not change."""
    pairs = tuple(database.synonyms.order_by("word", "id").values_list("word", "means"))
    return _read(database.pk, _version(database), pairs)


def _version(database: Database) -> Version:
    """Changes with every change of the metadata: hiding and deleting change a count, all else the time."""
    found = database.tables.aggregate(
        Max("updated_at"),
        Max("columns__updated_at"),
        Count("id", distinct=True),
        Count("columns"),
        hidden_tables=Count("id", filter=Q(hidden=True), distinct=True),
        hidden_columns=Count("columns", filter=Q(columns__hidden=True)),
    )
    return tuple(found.values())


@lru_cache(maxsize=CACHED)
def _read(database_id: int, _: Version, pairs: Synonyms) -> KnownTables:
    every = Table.objects.filter(database=database_id)
    visible = Prefetch("columns", Column.objects.filter(hidden=False))
    synonyms: dict[str, list[str]] = {}
    for word, means in pairs:
        synonyms.setdefault(means.casefold(), []).append(word)
    names = frozenset(name.casefold() for row in every.values_list("name", "columns__name") for name in row if name)
    return KnownTables(tuple(every.filter(hidden=False).prefetch_related(visible)), pairs, synonyms, names)


def columns_of(known: KnownTables) -> Iterator[Column]:
    """All visible columns."""
    return (column for table in known.tables for column in table.columns.all())
