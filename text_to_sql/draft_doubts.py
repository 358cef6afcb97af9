"""What in a model's SQL does not fit its question, found without a model, for the person who reads the answer.

Only signs of frequent slips: a number of the question that is not in the SQL, one day where the question names none,
rows of groups where it asks for one number. SQL without doubts may still be wrong.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from text_to_sql.question_wording import with_plain_dates

KINDS = ("missing-date", "missing-number", "one-day", "rows-of-groups", "mixed-column", "subtracted-dates")

_DATE = re.compile(r"(?<!\d)\d{4}-\d{2}(?:-\d{2})?(?!\d)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SCALES = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8, "조": 10**12}
_SCALES |= {"thousand": 1000, "million": 10**6, "billion": 10**9}
_NUMBER = re.compile(
    r"(?<![\w.-])(?P<digits>\d+(?:\.\d+)?)(?P<few>[십백천]?)(?P<many>[만억조]?)(?:\s*(?P<word>thousand|million|billion)\b)?"
    r"(?P<time>\s*(?:년|월|일|주|개월|달|분기|시간|분|초|years?|quarters?|months?|weeks?|days?|hours?|minutes?|seconds?))?"
)
_NAMES_A_DAY = re.compile(r"오늘|어제|그제|내일|하루|\b(?:today|yesterday|tomorrow)\b")
_ONE_NUMBER = re.compile(r"몇\s*[가-힣]|\bhow many\b")
_PER_GROUP = re.compile(r"별|마다|각|씩|당\b|\b(?:each|every|per|by)\b")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Doubt:
    """A sign of a slip. `value` is what the question names, or the column; blank for other kinds."""

    kind: str
    value: str
    detail: str


def doubts(question: str, sql: str, dialect: str, dates: Collection[str] = ()) -> list[Doubt]:
    """The doubts about SQL that the guard has read. `dates` are the columns with dates, in lower case."""
    asked = with_plain_dates(question)
    tree = Dialect.get_or_raise(dialect).parse(sql)[0]
    if not isinstance(tree, exp.Query):
        return []
    texts = [literal.name for literal in tree.find_all(exp.Literal)]
    return [
        *_missing_dates(asked, texts),
        *_missing_numbers(asked, texts),
        *_invented_days(asked, tree),
        *_rows_of_groups(asked, tree),
        *(_mixed_columns(tree) if dialect == "sqlite" else ()),  # other databases refuse that
        *(_subtracted_dates(tree, dates) if dialect == "sqlite" else ()),
    ]


def _missing_dates(asked: str, texts: list[str]) -> Iterator[Doubt]:
    named = _DATE.findall(asked)
    if named and not any(date in text for date in named for text in texts):
        yield Doubt("missing-date", named[0], f"The question names {named[0]}, and the SQL does not.")


def _missing_numbers(asked: str, texts: list[str]) -> Iterator[Doubt]:
    there = {Decimal(digits) for text in texts for digits in _DIGITS.findall(text)}
    for match in _NUMBER.finditer(_DATE.sub(" ", asked)):
        if match["time"]:  # may be written in another unit
            continue
        value = Decimal(match["digits"])
        for scale in filter(None, (match["few"], match["many"], match["word"])):
            value *= _SCALES[scale]
        if value > 1 and not {value, value / 100} & there:  # a hundredth, for per cent
            yield Doubt("missing-number", f"{value:f}", f"The question names {value:f}, and the SQL does not.")


def _invented_days(asked: str, tree: exp.Expr) -> Iterator[Doubt]:
    if _DAY.search(asked) or _NAMES_A_DAY.search(asked):
        return
    for equal in tree.find_all(exp.EQ):
        if any(isinstance(side, exp.Literal) and _DAY.fullmatch(side.name) for side in (equal.left, equal.right)):
            yield Doubt("one-day", "", "The question names no single day, and the SQL compares with one.")
            return


def _rows_of_groups(asked: str, tree: exp.Expr) -> Iterator[Doubt]:
    if tree.args.get("having") and _ONE_NUMBER.search(asked) and not _PER_GROUP.search(asked):
        yield Doubt("rows-of-groups", "", "The question asks for one number, and the SQL gives a row for each group.")


def _mixed_columns(tree: exp.Expr) -> Iterator[Doubt]:
    if not isinstance(tree, exp.Select) or tree.args.get("group"):
        return
    plain = [each.unalias() for each in tree.expressions if isinstance(each.unalias(), exp.Column)]
    if plain and any(isinstance(each.unalias(), exp.AggFunc) for each in tree.expressions):
        detail = f"{plain[0].name} stands beside a sum or a count without GROUP BY, so it is that of any row."
        yield Doubt("mixed-column", plain[0].name, detail)


def _subtracted_dates(tree: exp.Expr, dates: Collection[str]) -> Iterator[Doubt]:
    for minus in tree.find_all(exp.Sub):
        sides = (minus.left, minus.right)
        if all(isinstance(side, exp.Column) and side.name.lower() in dates for side in sides):
            yield Doubt("subtracted-dates", "", "Dates are texts here: their difference is not a number of days.")
            return
