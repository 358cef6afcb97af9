"""Numbers in summaries and results, to compare them. Numbers that are written as words are not seen."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from common.normalization import normalized

Number = Decimal

_WRITTEN = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_IN_ROWS = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# 3,500,000 in Korean is also 350만, and 123,450,000 is 1억 2,345만.
_UNITS = {"십": 10, "백": 10**2, "천": 10**3, "만": 10**4, "억": 10**8, "조": 10**12}
_LEAST_ROUNDED = 100
_IN_SUMMARY = re.compile(rf"(?:{_WRITTEN}[천만억조십백]+\s?)*{_WRITTEN}[천만억조십백]*")
_PART = re.compile(rf"({_WRITTEN})([천만억조십백]*)")


def of_rows(rows: Iterable[str]) -> set[Number]:
    """All numbers in rows of JSON, also those within texts: dates, names."""
    found = set()
    for row in rows:
        text = normalized("NFKC", row)
        found |= {Number(each) for each in _IN_ROWS.findall(text)}
        found |= {Number(each.replace(",", "")) for each in _GROUPED.findall(text)}
    return found


def unknown(summary: str, known: Iterable[Number]) -> list[str]:
    """The numbers in a summary that are neither known nor a known one, rounded.

    A rounded number keeps a decimal place or three digits: 30.5 is not 31.
    """
    values = list(known)
    written = _IN_SUMMARY.findall(normalized("NFKC", summary))
    return [each.strip() for each in written if not _is_known(each, values)]


def _is_known(written: str, values: list[Number]) -> bool:
    parts = _PART.findall(written)
    readings = [[sum((_value(*part) for part in parts), Number(0))], [_value(*part) for part in parts]]
    return any(all(_is_one_of(number, values) for number in numbers) for numbers in readings)


def _value(digits: str, units: str) -> Number:
    value = Number(digits.replace(",", ""))
    for unit in units:
        value *= _UNITS[unit]
    return value


def _is_one_of(number: Number, values: list[Number]) -> bool:
    if number in values:
        return True
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent > 0 or (exponent == 0 and abs(number) < _LEAST_ROUNDED):
        return False
    step = Number(1).scaleb(exponent)
    return any(
        number == value.quantize(step, rounding) for value in values for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)
        if value.as_tuple().exponent < exponent and value.adjusted() < 24  # type: ignore[operator] # they are finite
    )  # fmt: skip
