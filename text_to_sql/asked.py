"""One question, and what of its database it needs: each is read once, when it is needed first."""

from dataclasses import dataclass
from functools import cached_property

from text_to_sql.catalogue import catalogue_of
from text_to_sql.guard import Catalogue
from text_to_sql.known_tables import KnownTables, known_tables
from text_to_sql.models import Database


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks what of which database. `groups` is None for a caller who sees all rows."""

    database: Database
    question: str
    caller: str
    groups: frozenset[int] | None

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the caller may see."""
        return catalogue_of(self.database, self.groups)

    @cached_property
    def known(self) -> KnownTables:
        """The visible tables with what is known of them, and the verified examples."""
        return known_tables(self.database)
