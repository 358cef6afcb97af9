"""The rows of one statement, within the caps."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from text_to_sql.execution.values import as_json, type_name
from text_to_sql.execution.watch import nothing

ROWS_PER_REPORT = 100


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The caps of one execution."""

    seconds: float
    rows: int
    bytes: int


@dataclass
class Result:
    """Rows as JSON objects, and the same `values` as the driver gave them.

    `types` are the columns' types, blank as long as a column has only NULL.
    """

    names: list[str]
    types: list[str]
    rows: list[bytes] = field(default_factory=list)
    values: list[tuple[Any, ...]] = field(default_factory=list)
    truncated: bool = False

    def described(self) -> dict[str, Any]:
        """The members of the response."""
        columns = [{"name": name, "type": kind or "unknown"} for name, kind in zip(self.names, self.types, strict=True)]
        return {
            "data": [orjson.Fragment(row) for row in self.rows],
            "columns": columns,
            "truncated": self.truncated,
            "summary": None,
        }


def collect(
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    limits: Limits,
    on_rows: Callable[[int], None] = nothing,
) -> Result:
    """Reads rows up to the caps, and tells now and then how many there are."""
    result = Result(_distinct(names), [""] * len(names))
    size = 0
    for row in rows:
        encoded = orjson.dumps(dict(zip(result.names, map(as_json, row), strict=True)))
        size += len(encoded)
        if len(result.rows) >= limits.rows or size > limits.bytes:
            result.truncated = True
            break
        result.rows.append(encoded)
        result.values.append(tuple(row))
        _note_types(result, row)
        if len(result.rows) % ROWS_PER_REPORT == 0:
            on_rows(len(result.rows))
    return result


def _note_types(result: Result, row: Sequence[Any]) -> None:
    for place, value in enumerate(row):
        if not result.types[place] and value is not None:
            result.types[place] = type_name(value)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that an earlier column has."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in found:
            candidate, number = f"{name}_{number}", number + 1
        found.append(candidate)
    return found
