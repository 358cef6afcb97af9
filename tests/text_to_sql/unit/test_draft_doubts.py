"""Doubts about a model's SQL: what they find, and what they leave alone."""

import time

import pytest

from text_to_sql.draft_doubts import KINDS, MOST, Columns, doubts

COLUMNS = Columns(
    dates={"hired_on", "resigned_on"},
    labels={"id", "name", "hired_on", "resigned_on"},
    widths={
        "s": {"id": 4, "clicks": 4, "shown": 4, "done": 4, "cost": 0, "paid": 8},
        "e": {"id": 4, "age": 4, "clicks": 0, "cost": 4},
    },
)
WHOLE = [
    "SELECT SUM(clicks) * 100 / NULLIF(SUM(shown), 0) FROM s",
    "SELECT (clicks + shown) / 2 FROM s",
    "SELECT SUM(CASE WHEN done = 1 THEN 1 ELSE NULL END) / COUNT(DISTINCT id) FROM s",
    "SELECT COUNT(*) FILTER (WHERE done = 1) / COUNT(*) FROM s",
    "SELECT CAST(cost AS INTEGER) / 2 FROM s",
    "SELECT e.cost / 2 FROM e JOIN s ON e.id = s.id",
    "SELECT x.c / x.n FROM (SELECT SUM(clicks) AS c, COUNT(*) AS n FROM s) AS x",
    "WITH t AS (SELECT SUM(clicks) AS c, SUM(shown) AS n FROM s) SELECT c / n FROM t",
    "WITH t(c, n) AS (SELECT SUM(clicks), SUM(shown) FROM s) SELECT t.c / t.n FROM t",
    "WITH t AS (SELECT * FROM s) SELECT clicks / shown FROM t",
    "SELECT id FROM s GROUP BY id HAVING SUM(clicks) / SUM(shown) > 0",
    "SELECT id FROM s WHERE (SELECT COUNT(*) FROM e WHERE e.id = s.id) / shown > 0",
    "SELECT id FROM s WHERE EXISTS (SELECT 1 FROM e WHERE s.clicks / s.shown > 1)",
    "SELECT cost FROM s UNION SELECT clicks / shown FROM s",
    "SELECT COUNT(*) / 12 FROM s GROUP BY done",
    "SELECT MAX(clicks) / 2 FROM s",
]
NOT_WHOLE = [
    "SELECT e.clicks / 2, s.cost / 2 FROM e JOIN s ON e.id = s.id",
    "WITH t AS (SELECT AVG(clicks) AS clicks, COUNT(*) AS n FROM s) SELECT clicks / n FROM t",
    "WITH t AS (SELECT CAST(SUM(clicks) AS REAL) AS clicks, SUM(shown) AS shown FROM s) SELECT clicks / shown FROM t",
    "SELECT x.clicks / x.shown FROM (SELECT AVG(clicks) AS clicks, shown FROM s) AS x",
    "SELECT AVG(clicks) AS clicks FROM s ORDER BY clicks / 2",
    "SELECT (age / 10) * 10 FROM e",
    "SELECT age / 10 AS decade, COUNT(*) FROM e GROUP BY decade",
    "SELECT age / 10, COUNT(*) FROM e GROUP BY 1",
    "SELECT age / 10, COUNT(*) FROM e GROUP BY age / 10",
    "SELECT CAST(age / 10 AS INTEGER) FROM e",
    "SELECT unknown / 2 FROM nowhere",
]


@pytest.mark.parametrize(
    ("question", "sql", "says"),
    [
        ("Clicks on 2026-10-01?", "SELECT SUM(clicks) FROM s WHERE strftime('%Y-%m', d) = '2026-10'", "2026-10-01"),
        ("2026년 10월 1일의 클릭 수는?", "SELECT SUM(clicks) FROM s", "2026-10-01"),
        ("비용이 100만원을 넘은 캠페인은?", "SELECT name FROM c WHERE budget > 10000000", "names 1000000,"),
        ("예산이 5천만원을 넘는 캠페인은?", "SELECT name FROM c WHERE budget > 5000", "names 50000000,"),
        ("Campaigns above 1.5 million won", "SELECT name FROM c WHERE budget > 1000000", "names 1500000"),
        ("Courses whose average is at least 80", "SELECT title, AVG(score) FROM e GROUP BY title", "names 80,"),
        ("How many were hired in 2026?", "SELECT COUNT(*) FROM e WHERE hired_on = '2026-01-01'", "no single day"),
        (
            "How many customers placed 10 or more orders?",
            "SELECT COUNT(*) FROM orders GROUP BY customer_id HAVING COUNT(*) >= 10",
            "a row for each group",
        ),
        ("매출이 1000 초과인 지점", "SELECT name FROM s WHERE sales > 100", "names 1000,"),
        ("가격이 100달러 이상인 상품", "SELECT name FROM p WHERE price >= 10", "names 100,"),
        ("1억 5천만원 이상", "SELECT name FROM p WHERE price >= 100000000", "names 150000000,"),
        ("Which has most clicks?", "SELECT c.name, SUM(s.clicks) FROM s, c ORDER BY 2 LIMIT 1", "name stands beside"),
        ("How long did they stay?", "SELECT AVG(hired_on - e.resigned_on) FROM e", "Dates are texts"),
        ("후기가 없는 상품은 몇 개인가요?", "SELECT p.id, p.name AS product FROM p", "shows no number"),
        ("How many people came?", "SELECT name FROM v UNION SELECT name FROM w", "shows no number"),
        ("Click rate", "SELECT ROUND(SUM(clicks) / SUM(shown), 2) FROM s", "divides whole numbers"),
        ("Share", "SELECT SUM(CASE WHEN done = 1 THEN 1 ELSE 0 END) / COUNT(*) FROM s", "divides whole numbers"),
        ("Share", "SELECT COUNT(done) / (SELECT COUNT(*) FROM s) * 100 FROM s", "divides whole numbers"),
    ],
)  # fmt: skip
def test_a_slip_is_named(question: str, sql: str, says: str) -> None:
    (found,) = doubts(question, sql, "sqlite", COLUMNS)
    assert says in found.detail
    assert found.kind in KINDS


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("How many clicks on October 1, 2026?", "SELECT SUM(clicks) FROM s WHERE d = '2026-10-01'"),
        ("예산이 5천만원을 넘는 캠페인은?", "SELECT name FROM c WHERE budget > 50000000"),
        ("Sales above 1,000,000 won", "SELECT * FROM s WHERE won > 1e6 OR won > 1000000"),
        ("Orders of the last 2 weeks", "SELECT * FROM o WHERE d >= date('now', '-14 days')"),
        ("Discounts of 20% or more", "SELECT * FROM o WHERE discount >= 0.2"),
        ("최근 7일의 주문", "SELECT * FROM o WHERE d >= date('now', '-1 week')"),
        ("How many were hired in 2026?", "SELECT COUNT(*) FROM e WHERE hired_on >= '2026-01-01'"),
        ("Who was hired today?", "SELECT name FROM e WHERE hired_on = '2026-11-30'"),
        ("How many orders has each with 10 or more?", "SELECT c, COUNT(*) FROM o GROUP BY c HAVING COUNT(*) >= 10"),
        ("고객별 주문이 몇 건인가요? 10건 이상만", "SELECT c, COUNT(*) FROM o GROUP BY c HAVING COUNT(*) >= 10"),
        ("Click rate", "SELECT SUM(clicks) * 1.0 / SUM(shown) FROM s"),
        ("Click rate", "SELECT CAST(SUM(clicks) AS REAL) / SUM(shown), SUM(cost) / SUM(clicks) FROM s"),
        ("Share", "SELECT SUM(CASE WHEN done = 1 THEN 1.0 ELSE 0 END) / COUNT(*), 100.0 * clicks / shown FROM s"),
        ("Name and clicks by campaign", "SELECT c.name, SUM(s.clicks) FROM s, c GROUP BY c.name"),
        ("3만 5천원 이상인 상품", "SELECT name FROM p WHERE price >= 35000"),
        ("1억5천만원 이상", "SELECT name FROM p WHERE price >= 150000000"),
        ("10월 1일의 클릭 수는?", "SELECT SUM(clicks) FROM s WHERE d = '2026-10-01'"),
        ("Clicks on 1 October 2026", "SELECT SUM(clicks) FROM s WHERE d = '2026-10-01'"),
        ("2026.10.01의 클릭 수", "SELECT SUM(clicks) FROM s WHERE d = '2026-10-01'"),
        ("2026/10/01의 클릭 수", "SELECT SUM(clicks) FROM s WHERE d = '2026-10-01'"),
        ("2026년 10월의 클릭 수", "SELECT SUM(clicks) FROM s WHERE YEAR(d) = 2026 AND MONTH(d) = 10"),
        ("2026년 9월 30일까지의 클릭", "SELECT SUM(clicks) FROM s WHERE d < '2026-10-01'"),
        ("3번째로 비싼 상품", "SELECT name FROM p ORDER BY price DESC LIMIT 1 OFFSET 2"),
        ("The 5th most expensive product", "SELECT name FROM p ORDER BY price DESC LIMIT 1 OFFSET 4"),
        ("2번 이상 주문한 고객", "SELECT c FROM o GROUP BY c HAVING COUNT(*) > 1"),
        ("오후 3시 이후의 방문", "SELECT * FROM v WHERE h >= 15"),
        ("Budgets above 10M won", "SELECT name FROM c WHERE budget > 10000000"),
        ("Prices above 1,000,000", "SELECT name FROM p WHERE price > 1e6"),
        ("Prices after 20% off", "SELECT price * 0.8 FROM p"),
        ("3조 학생의 이름", "SELECT name FROM s WHERE team = 3"),
        ("Who came 2 or more times, and how many visits?", "SELECT p, COUNT(*) FROM v GROUP BY p HAVING COUNT(*) >= 2"),
        ("The most expensive product and its price", "SELECT name, MAX(price) FROM p"),
        ("갤럭시10의 가격은?", "SELECT price FROM p WHERE name = '갤럭시10'"),
        ("What is a minus b?", "SELECT a - b FROM t"),
        ("How many do we have of each?", "SELECT name, stock FROM p"),
        ("How many are there?", "SELECT x.n FROM (SELECT COUNT(*) AS n FROM p) AS x"),
        ("How many are there?", "SELECT * FROM p"),
        ("몇 번째로 입사했는지 순서대로 보여줘", "SELECT name FROM e ORDER BY hired_on"),
        ("몇 년에 입사했나요?", "SELECT hired_on FROM e"),
        ("A union", "SELECT 1 AS n UNION SELECT 2"),
    ],
)  # fmt: skip
def test_what_fits_raises_no_doubt(question: str, sql: str) -> None:
    assert doubts(question, sql, "sqlite", COLUMNS) == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_division_of_whole_numbers_is_named_wherever_they_come_from(dialect: str) -> None:
    assert [sql for sql in WHOLE if not _divides_whole(sql, dialect)] == []
    assert [sql for sql in NOT_WHOLE if _divides_whole(sql, dialect)] == []
    assert not any(_divides_whole(sql, "mysql") for sql in WHOLE)


def test_a_sum_of_large_whole_numbers_keeps_a_fraction_in_postgresql() -> None:
    for sql in (
        "SELECT SUM(paid) / COUNT(*) FROM s",
        "SELECT COUNT(*) / SUM(COUNT(*)) OVER () FROM s GROUP BY done",
        "SELECT SUM(n) / 2 FROM (SELECT COUNT(*) AS n FROM s GROUP BY done) AS x",
    ):
        assert _divides_whole(sql, "sqlite")
        assert not _divides_whole(sql, "postgres")


def test_a_long_statement_is_read_at_once() -> None:
    for sql in (
        f"SELECT ({' + '.join(['clicks'] * 1900)}) / 2 FROM s",
        f"SELECT {' / '.join(['clicks'] * 1900)} FROM s",
        f"SELECT {'CASE WHEN 1 = 1 THEN ' * 400} 1 {' END' * 400} / 2 FROM s",
    ):
        started = time.thread_time()
        assert _divides_whole(sql, "sqlite")
        assert time.thread_time() - started < 1


def _divides_whole(sql: str, dialect: str) -> bool:
    return any(doubt.kind == "whole-division" for doubt in doubts("", sql, dialect, COLUMNS))


def test_other_databases_refuse_mixed_columns_themselves() -> None:
    assert doubts("Most clicks?", "SELECT name, SUM(clicks) FROM s", "postgres") == []


def test_a_question_of_numbers_gets_few_doubts() -> None:
    asked = " ".join(map(str, range(100, 600))) + " 7" * 500
    assert len(doubts(asked, "SELECT 1 AS n", "sqlite")) == MOST
