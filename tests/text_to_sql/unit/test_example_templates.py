"""A question with another number, date or value gets the example's SQL with it; any other difference gets nothing."""

import pytest

from text_to_sql.example_templates import fitted, normal_names

NAMES = {"city": normal_names({"서울": ["서울", "Seoul"], "부산": ["부산", "Busan"], "O'Hare": ["O'Hare"]})}
CITY = "SELECT COUNT(*) FROM customers c WHERE c.city = '서울'"
TOP = "SELECT name, ROUND(AVG(price), 1) FROM products GROUP BY name ORDER BY 2 DESC LIMIT 5"


def fit(example: str, sql: str, asked: str) -> str | None:
    return fitted(example, sql, asked, "sqlite", NAMES)


@pytest.mark.parametrize(
    ("example", "sql", "asked", "wanted"),
    [
        ("서울 고객은 몇 명?", CITY, "부산 고객은 몇 명이야?", CITY.replace("서울", "부산")),
        ("서울 고객은 몇 명?", CITY, "Busan 고객은 몇 명?", CITY.replace("서울", "부산")),
        ("How many customers in Seoul?", CITY, "How many customers in Busan?", CITY.replace("서울", "부산")),
        ("How many customers in Seoul?", CITY, "how many customers in O'Hare", CITY.replace("서울", "O''Hare")),
        ("상위 5개 상품", TOP, "상위 12개 상품", TOP.replace("LIMIT 5", "LIMIT 12")),
        (
            "sales in 2026-10 over 50",
            "SELECT 1 FROM s WHERE strftime('%Y-%m', d) = '2026-10' AND n > 50",
            "sales in September 2026 over 70",
            "SELECT 1 FROM s WHERE strftime('%Y-%m', d) = '2026-09' AND n > 70",
        ),
    ],
)
def test_slots_are_filled(example: str, sql: str, asked: str, wanted: str) -> None:
    assert fit(example, sql, asked) == wanted


@pytest.mark.parametrize(
    ("example", "sql", "asked"),
    [
        ("서울 고객은 몇 명?", CITY, "파리 고객은 몇 명?"),
        ("서울 고객은 몇 명?", CITY, "서울 부산 고객은 몇 명?"),
        ("서울 고객은 몇 명?", CITY, "서울 아닌 고객은 몇 명?"),
        ("top 1 of 1", "SELECT a FROM t WHERE b = 1 LIMIT 1", "top 2 of 1"),
        ("1달간 상품", TOP, "2달간 상품"),
        ("상위 5개 상품", TOP, "상위 5.5.5개 상품"),
        ("상위 5개 상품", TOP, "하위 5개 상품"),
        ("상위 5개 상품", TOP, "상위 5만개 상품"),
        ("sales in 2026-10", "SELECT 1 FROM s WHERE strftime('%Y-%m', d) = '2026-10'", "sales in 2026-13"),
        ("sales in 2026-10", "SELECT 1 FROM s WHERE strftime('%Y-%m', d) = '2026-10'", "sales in 2026-10-01"),
        ("sales of 2026", "SELECT 1 FROM s WHERE y = 2026", "sales of 2026-10"),
    ],
)
def test_all_else_needs_a_model(example: str, sql: str, asked: str) -> None:
    assert fit(example, sql, asked) is None
