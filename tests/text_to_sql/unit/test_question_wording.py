"""What does not change the meaning of a question, and what does."""

import pytest

from text_to_sql.question_wording import normalized

SAME = [
    ("서울의 고객은?", "서울의 고객"),
    ("도시별 고객 수는?", "도시별 고객수를 알려줘"),
    ("도시별 고객 수는?", "도시별 고객 수 좀 보여주세요!"),
    ("서울 학생은 몇 명이야?", "서울 학생 몇명인가요"),
    ("매출은 얼마야?", "매출은 얼마인가요?"),
    ("Show me the top ５ products.", "show top 5 products"),
    ("above 1,500.", "above 1500"),
    ("2026년 10월 매출", "2026-10 매출"),
    ("started after October 1, 2026", "started after 2026-10-01"),
    ("sales in October 2026", "sales in 2026-10"),
]
DIFFERENT = [
    ("서울의 고객", "부산의 고객"),
    ("ids 1 2", "ids 12"),
    ("price > 5", "price < 5"),
    ("below -5", "below 5"),
    ("1.5", "15"),
    ("2026년 매출", "2026년 10월 매출"),
    ("고객 수", "고객"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same_question(one: str, other: str) -> None:
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_these_are_not(one: str, other: str) -> None:
    assert normalized(one) != normalized(other)
