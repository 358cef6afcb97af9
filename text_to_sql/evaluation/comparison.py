"""Whether two results say the same.

The answer must have the columns of the gold, in any order and under any names, and may have two more. The order of rows
counts only if the question asks for one. Counts must be equal; fractions may be rounded.
"""

from collections.abc import Sequence
from itertools import permutations

Rows = Sequence[Sequence[object]]

MORE_COLUMNS = 2
_ROUNDING = 2e-3  # of the value: 3.64 for 3.6363
_MAX_ARRANGEMENTS = 400


def same(answer: Rows, gold: Rows, *, ordered: bool) -> bool:
    """Whether the answer says what the gold says. An empty answer equals an empty gold only."""
    if len(answer) != len(gold):
        return False
    if not gold:
        return True
    width, wanted = len(answer[0]), len(gold[0])
    if not wanted <= width <= wanted + MORE_COLUMNS:
        return False
    arrangements = list(permutations(range(width), wanted))[:_MAX_ARRANGEMENTS]
    return any(_same_rows([[row[place] for place in order] for row in answer], gold, ordered) for order in arrangements)


def _same_rows(answer: Rows, gold: Rows, ordered: bool) -> bool:
    left, right = (list(answer), list(gold)) if ordered else (sorted(answer, key=_key), sorted(gold, key=_key))
    return all(all(map(_same_value, one, other)) for one, other in zip(left, right, strict=True))


def _key(row: Sequence[object]) -> list[tuple[str, float, str]]:
    """Sorts rows of mixed types. Numbers are cut to three digits, so that rounded ones stand at the same place."""
    return [("n", float(f"{value:.2e}"), "") if _is_number(value) else ("t", 0.0, str(value)) for value in row]


def _same_value(one: object, other: object) -> bool:
    if not (_is_number(one) and _is_number(other)):
        return one == other
    difference = abs(float(one) - float(other))  # type: ignore[arg-type] # both are numbers
    is_fraction = float(other) != int(other)  # type: ignore[arg-type, call-overload]
    return difference <= (_ROUNDING * abs(float(other)) if is_fraction else 1e-6)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
