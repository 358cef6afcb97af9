"""The guard: reads one statement, refuses all but a harmless query, and writes the SQL that may run.

A pure library, without Django and without a database. The caller's text never runs: what runs is generated
from the tree that was checked. ADR 24 says what it promises.
"""

from text_to_sql.guard.catalogue import Catalogue, Table
from text_to_sql.guard.checked_query import CheckedQuery, check
from text_to_sql.guard.refusal import UNKNOWN_NAMES, QueryRefused
from text_to_sql.guard.rules import RuleRefused, check_rule, columns_of_rule
from text_to_sql.guard.text import parsed

__all__ = [
    "UNKNOWN_NAMES",
    "Catalogue",
    "CheckedQuery",
    "QueryRefused",
    "RuleRefused",
    "Table",
    "check",
    "check_rule",
    "columns_of_rule",
    "parsed",
]
