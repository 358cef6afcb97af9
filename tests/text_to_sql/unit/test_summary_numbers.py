"""Which numbers of a summary are in a result."""

import pytest

from text_to_sql.summary_numbers import Number, of_rows, unknown

ROWS = [
    '{"product":"노트북 X1","total_sales":3500000}',
    '{"day":"2026-01-02","average":12.3456,"mean":51234.56,"note":"1,234 pieces"}',
]
KNOWN = of_rows(ROWS) | {Number(2)}


@pytest.mark.parametrize(
    "summary",
    [
        "'노트북 X1'의 총 매출액은 3,500,000원입니다.",
        "총 매출액은 350만원입니다.",
        "총 매출액은 ３５０만 원입니다.",
        "There are 2 rows of 2026-01-02.",
        "2026년 1월 2일",
        "The average is 12.35, or 12.3; or 51,235.",
        "1234 pieces, 1,234 pieces",
        "No number at all.",
    ],
)
def test_numbers_of_the_data(summary: str) -> None:
    assert unknown(summary, KNOWN) == []


@pytest.mark.parametrize(
    ("summary", "numbers"),
    [
        ("총 매출액은 35만원입니다.", ["35만"]),
        ("매출은 3,500,001원", ["3,500,001"]),
        ("12.36 on average", ["12.36"]),
        ("12 or 13 of 3500000", ["12", "13"]),
        ("1억 350만", ["1억 350만"]),
        ("350", ["350"]),
        ("3.5", ["3.5"]),
    ],
)
def test_other_numbers(summary: str, numbers: list[str]) -> None:
    assert unknown(summary, KNOWN) == numbers


def test_korean_units_add_up() -> None:
    known = of_rows(['{"n":123450000}'])
    assert unknown("1억 2345만", known) == []
    assert unknown("1억 2,345만원", known) == []


def test_an_endless_number_is_only_unknown() -> None:
    assert unknown("9" * 5000, KNOWN) == ["9" * 5000]
    assert unknown("1" + "조" * 300, KNOWN)
    assert of_rows(['{"a":1e400,"b":"1e-400"}'])
