"""What in a model's SQL does not fit its question, found without a model, for the person who reads the answer.

Only signs of frequent slips: a number or a day of the question that is not in the SQL, one day where a year is asked
for, rows of groups where one number is. SQL without doubts may still be wrong, and SQL with doubts right.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from sqlglot import exp

from text_to_sql.guard import parsed
from text_to_sql.question_wording import with_plain_dates
from text_to_sql.whole_division import Widths, divides_whole

KINDS = {
    "missing-date": "The question names a date, and the SQL does not.",
    "missing-number": "The question names a number, and the SQL does not.",
    "one-day": "The question names a year only, and the SQL compares with one day.",
    "rows-of-groups": "The question asks for one number, and the SQL gives a row for each group.",
    "no-number": "The question asks how many, and the SQL shows no number.",
    "mixed-column": "A column stands beside a sum or a count without GROUP BY.",
    "subtracted-dates": "Dates are texts in the database, and the SQL subtracts them.",
    "whole-division": "The SQL divides whole numbers, so the fraction is lost.",
}
MOST = 3  # doubts about one answer

_DATE = re.compile(r"(?<!\d)\d{4}-\d{2}(?:-\d{2})?(?!\d)")
_OTHER_DATE = re.compile(r"(?<!\d)\d{4}([./])\d{1,2}\1\d{1,2}(?!\d)")
_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_BARE_YEAR = re.compile(r"(?<![\d.,/-])(?:19|20)\d{2}(?:년|(?![\d.,/-]))")
_WITHIN_A_YEAR = re.compile(
    r"월|일|주|분기|날|오늘|어제|\b(?:january|february|march|april|may|june|july|august|september|october|november"
    r"|december|quarter|month|week|day|today|yesterday|date)"
)
_SCALES = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8}
_SCALES |= {"thousand": 1000, "million": 10**6, "billion": 10**9}
_PART = r"\d+(?:\.\d+)?[십백천]?"
_AMOUNT = re.compile(
    rf"(?<![\w.-])(?P<amount>(?:{_PART}[만억]\s*)*{_PART}[만억]?|{_PART}[만억])"
    r"(?:\s*(?P<word>thousand|million|billion)\b)?"
    # Units that the SQL may count in another way, places in an order, shares, and words that begin with a number.
    r"(?P<other>\s*(?:년|월|일|주(?!문|소)|개월|달(?!러)|분기|시|분(?!류)|초(?!과)|번째|위|등|조|%|퍼센트|percent|years?\b"
    r"|quarters?\b|months?\b|weeks?\b|days?\b|hours?\b|minutes?\b|seconds?\b|[ap]\.?m\b)|[a-z/])?"
)
_AMOUNT_PART = re.compile(r"(\d+(?:\.\d+)?)([십백천]?)([만억]?)")
_ONE_NUMBER = re.compile(r"몇\s*[가-힣]|\bhow many\b")
_COUNTED = re.compile(r"몇\s*(?:명|건|개(?!월)|곳|번(?!째)|회|장|대(?!의)|가지|종|편|권|팀)|\bhow many\b")
_PER_GROUP = re.compile(r"별|마다|각|씩|당\b|\b(?:each|every|per|by)\b")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Doubt:
    """A sign of a slip. `value` is what the question names, or the column; blank for other kinds."""

    kind: str
    value: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of columns with dates, and of those that hold texts, dates or keys, but no amounts, in lower case.

    `widths` are those of whole numbers, by table.
    """

    dates: Collection[str] = ()
    labels: Collection[str] = ()
    widths: Mapping[str, Widths] = field(default_factory=dict)


NOT_KNOWN = Columns()


def doubts(question: str, sql: str, dialect: str, columns: Columns = NOT_KNOWN) -> list[Doubt]:
    """At most `MOST` doubts about SQL that the guard has read."""
    asked = with_plain_dates(question)
    with parsed(sql, dialect) as tree:
        if not isinstance(tree, exp.Query):
            return []
        return list(islice(dict.fromkeys(_all(asked, tree, dialect, columns)), MOST))


def _all(asked: str, tree: exp.Query, dialect: str, columns: Columns) -> Iterator[Doubt]:
    texts = [literal.name for literal in tree.find_all(exp.Literal)]
    numbers = set(_numbers(texts))
    yield from _missing_days(asked, texts, numbers)
    yield from _missing_numbers(asked, numbers)
    yield from _invented_day(asked, tree)
    yield from _no_number(asked, tree, columns.labels)
    if dialect != "mysql" and divides_whole(tree, dialect, columns.widths):  # MySQL's quotient has a fraction
        yield Doubt("whole-division", "", KINDS["whole-division"])
    if not isinstance(tree, exp.Select):
        return
    yield from _rows_of_groups(asked, tree)
    if dialect == "sqlite":  # other databases refuse these, or subtract days
        yield from _mixed_column(tree)
        yield from _subtracted_dates(tree, columns.dates)


def _numbers(texts: list[str]) -> Iterator[Decimal]:
    for text in texts:
        with suppress(ArithmeticError):
            yield Decimal(text)  # 1e6
        yield from map(Decimal, _DIGITS.findall(text))


def _missing_days(asked: str, texts: list[str], numbers: Collection[Decimal]) -> Iterator[Doubt]:
    for named in _DAY.findall(asked):
        with suppress(ValueError, OverflowError):
            day = dt.date.fromisoformat(named)
            near = (day, day - _ONE_DAY, day + _ONE_DAY)  # the next one for "until", or the one before for "after"
            is_written = any(each.isoformat() in text for each in near for text in texts)
            if not is_written and not {day.year, day.month, day.day} <= set(numbers):
                yield Doubt("missing-date", named, f"The question names {named}, and the SQL does not.")


def _missing_numbers(asked: str, numbers: Collection[Decimal]) -> Iterator[Doubt]:
    for match in _AMOUNT.finditer(_OTHER_DATE.sub(" ", _DATE.sub(" ", asked))):
        value = sum((_value(part) for part in _AMOUNT_PART.finditer(match["amount"])), Decimal())
        value *= _SCALES.get(match["word"], 1)
        one_beside = {value, value - 1, value + 1}  # at least 10 is more than 9
        if not match["other"] and value > 1 and not one_beside & set(numbers):
            yield Doubt("missing-number", f"{value:f}", f"The question names {value:f}, and the SQL does not.")


def _value(part: re.Match[str]) -> Decimal:
    return Decimal(part[1]) * _SCALES.get(part[2], 1) * _SCALES.get(part[3], 1)


def _invented_day(asked: str, tree: exp.Query) -> Iterator[Doubt]:
    if not _BARE_YEAR.search(asked) or _DATE.search(asked) or _WITHIN_A_YEAR.search(_BARE_YEAR.sub(" ", asked)):
        return
    for equal in tree.find_all(exp.EQ):
        if any(isinstance(side, exp.Literal) and _DAY.fullmatch(side.name) for side in (equal.left, equal.right)):
            yield Doubt("one-day", "", "The question names no single day, and the SQL compares with one.")


def _rows_of_groups(asked: str, tree: exp.Select) -> Iterator[Doubt]:
    is_one_count = len(tree.expressions) == 1 and isinstance(tree.expressions[0].unalias(), exp.Count)
    if is_one_count and tree.args.get("having") and _ONE_NUMBER.search(asked) and not _PER_GROUP.search(asked):
        yield Doubt("rows-of-groups", "", "The question asks for one number, and the SQL gives a row for each group.")


def _no_number(asked: str, tree: exp.Query, labels: Collection[str]) -> Iterator[Doubt]:
    shown = [each.unalias() for each in tree.selects]
    is_list = bool(shown) and all(isinstance(each, exp.Column) and each.name.lower() in labels for each in shown)
    if is_list and _COUNTED.search(asked):
        yield Doubt("no-number", "", KINDS["no-number"])


def _mixed_column(tree: exp.Select) -> Iterator[Doubt]:
    """SQLite takes the column from the row of a MIN or MAX, but from any row of a sum or a count."""
    shown = [each.unalias() for each in tree.expressions]
    plain = [each for each in shown if isinstance(each, exp.Column)]
    if plain and not tree.args.get("group") and any(isinstance(each, exp.Sum | exp.Count | exp.Avg) for each in shown):
        detail = f"{plain[0].name} stands beside a sum or a count without GROUP BY, so it is that of any row."
        yield Doubt("mixed-column", plain[0].name, detail)


def _subtracted_dates(tree: exp.Select, dates: Collection[str]) -> Iterator[Doubt]:
    for minus in tree.find_all(exp.Sub):
        if all(isinstance(side, exp.Column) and side.name.lower() in dates for side in (minus.left, minus.right)):
            detail = "Dates are texts here: their difference is not a number of days."
            yield Doubt("subtracted-dates", "", detail)
