"""Verified examples of the test databases: questions in Korean and English, and the SQL that answers both.

Each database's folder has an `examples.toml`. Four expressions differ between the databases: `{month:column}` is its
month as `2026-10`, `{year:column}` the year as a number, `{months_ago:1}` the day a month before today, and
`{days:later,earlier}` the days between two columns with dates. `sql_of` writes them in a dialect.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MACRO = re.compile(r"\{(\w+):([\w.,]+)\}")
_WRITTEN = {
    "sqlite": {
        "month": "strftime('%Y-%m', {})", "year": "CAST(strftime('%Y', {}) AS INTEGER)",
        "months_ago": "date('now', '-{} month')", "days": "CAST(julianday({}) - julianday({}) AS INTEGER)",
    },
    "mysql": {
        "month": "DATE_FORMAT({}, '%Y-%m')", "year": "YEAR({})", "months_ago": "CURRENT_DATE - INTERVAL {} MONTH",
        "days": "DATEDIFF({}, {})",
    },
    "postgres": {
        "month": "TO_CHAR({}, 'YYYY-MM')", "year": "CAST(EXTRACT(YEAR FROM {}) AS INTEGER)",
        "months_ago": "CURRENT_DATE - INTERVAL '{} month'", "days": "({} - {})",
    },
}  # fmt: skip


@dataclass(frozen=True)
class VerifiedExample:
    """A question in two languages, and the SQL with macros that answers both."""

    ko: str
    en: str
    sql: str


@cache
def examples(name: str) -> tuple[VerifiedExample, ...]:
    """Those of a test database, in the order of the file."""
    return tuple(VerifiedExample(**entry) for entry in _file(name)["example"])


def synonyms(name: str) -> Mapping[str, str]:
    """Values of the data by the English words for them, so that English questions find them."""
    found: Mapping[str, str] = _file(name)["synonyms"]
    return found


def sql_of(sql: str, dialect: str) -> str:
    """The SQL of an example in the dialect `sqlite`, `mysql` or `postgres`."""
    return _MACRO.sub(lambda match: _WRITTEN[dialect][match[1]].format(*match[2].split(",")), sql)


@cache
def _file(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / name / "examples.toml").read_text("utf-8"))
