"""What in a draft does not fit its question, found without a model: a second look costs less than a wrong answer.

Only signs of frequent slips: a number of the question that is not in the SQL, one day where the question names none,
rows of groups where it asks for one number. A draft without doubts may still be wrong.
"""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from text_to_sql.question_wording import with_plain_dates

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


def doubts(question: str, sql: str, dialect: str, dates: Collection[str] = ()) -> list[str]:
    """A sentence for each doubt, for the model that wrote this SQL, which the guard has read. `dates` are columns."""
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


def _missing_dates(asked: str, texts: list[str]) -> Iterator[str]:
    named = _DATE.findall(asked)
    if named and not any(date in text for date in named for text in texts):
        yield f"The question names {named[0]}, and the SQL does not."


def _missing_numbers(asked: str, texts: list[str]) -> Iterator[str]:
    there = {Decimal(digits) for text in texts for digits in _DIGITS.findall(text)}
    for match in _NUMBER.finditer(_DATE.sub(" ", asked)):
        if match["time"]:  # may be written in another unit
            continue
        value = Decimal(match["digits"])
        for scale in filter(None, (match["few"], match["many"], match["word"])):
            value *= _SCALES[scale]
        if value > 1 and not {value, value / 100} & there:  # a hundredth, for per cent
            yield f"The question names {value:f}, and the SQL does not."


def _invented_days(asked: str, tree: exp.Expr) -> Iterator[str]:
    if _DAY.search(asked) or _NAMES_A_DAY.search(asked):
        return
    for equal in tree.find_all(exp.EQ):
        if any(isinstance(side, exp.Literal) and _DAY.fullmatch(side.name) for side in (equal.left, equal.right)):
            yield (
                "The question names no single day, and the SQL compares with one. A year is from its '-01-01' on, and "
                "before the '-01-01' of the next year."
            )
            return


def _rows_of_groups(asked: str, tree: exp.Expr) -> Iterator[str]:
    if tree.args.get("having") and _ONE_NUMBER.search(asked) and not _PER_GROUP.search(asked):
        yield (
            "The question asks for one number, and GROUP BY gives a row for each group. Count the groups: "
            "SELECT COUNT(*) FROM (SELECT … GROUP BY … HAVING …) AS found."
        )


def _mixed_columns(tree: exp.Expr) -> Iterator[str]:
    if not isinstance(tree, exp.Select) or tree.args.get("group"):
        return
    plain = [each.unalias() for each in tree.expressions if isinstance(each.unalias(), exp.Column)]
    if plain and any(isinstance(each.unalias(), exp.AggFunc) for each in tree.expressions):
        yield f"{plain[0].name} stands beside a sum or a count, without GROUP BY: group by it, or leave it out."


def _subtracted_dates(tree: exp.Expr, dates: Collection[str]) -> Iterator[str]:
    for minus in tree.find_all(exp.Sub):
        sides = (minus.left, minus.right)
        if all(isinstance(side, exp.Column) and side.name.lower() in dates for side in sides):
            yield "Dates are texts here: the days from a to b are julianday(b) - julianday(a)."
            return
