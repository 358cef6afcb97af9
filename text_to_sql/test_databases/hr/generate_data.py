"""Rows of a firm's employees."""

import datetime as dt

from text_to_sql.test_databases.source import Rows, Source

DEPARTMENTS = (
    ("대표이사실", None), ("개발본부", 1), ("영업본부", 1), ("경영지원본부", 1), ("플랫폼팀", 2), ("데이터팀", 2),
    ("모바일팀", 2), ("국내영업팀", 3), ("해외영업팀", 3), ("인사팀", 4), ("재무팀", 4), ("총무팀", 4),
)  # fmt: skip
POSITIONS = (("사원", 34), ("대리", 43), ("과장", 56), ("차장", 68), ("부장", 84))  # with a salary in million won
LEAVES = ("연차", "연차", "연차", "반차", "병가", "경조사")


def rows(source: Source) -> Rows:
    """All tables."""
    employees = [_employee(source, number) for number in range(1, 301)]
    leaves = [
        (
            number,
            source.skewed(range(1, 301)),
            kind,
            source.day(365),
            0.5 if kind == "반차" else source.rng.choice((1, 1, 2, 3)),
        )
        for number in range(1, 1201)
        for kind in [source.rng.choice(LEAVES)]
    ]
    return {
        "departments": [(number, *department) for number, department in enumerate(DEPARTMENTS, start=1)],
        "employees": list(employees),
        "salaries": [row for employee in employees for row in _salaries(source, employee)],
        "leaves": list(leaves),
    }


def _employee(source: Source, number: int) -> tuple[int, str, int, str, str, dt.date, dt.date | None]:
    hired = source.day(4000)
    resigned = hired + dt.timedelta(days=source.rng.randrange(200, 3000)) if source.rng.random() < 0.2 else None
    position = source.skewed(POSITIONS)[0]
    department = source.rng.randrange(2, len(DEPARTMENTS) + 1)
    gone = resigned if resigned and resigned < source.today else None
    return number, source.fake.name(), department, position, source.rng.choice(("남", "여")), hired, gone


def _salaries(
    source: Source, employee: tuple[int, str, int, str, str, dt.date, dt.date | None]
) -> list[tuple[object, ...]]:
    """One salary a year, which rises."""
    number, _, _, position, _, hired, resigned = employee
    base = dict(POSITIONS)[position] * 1_000_000 * source.rng.uniform(0.9, 1.15)
    last = (resigned or source.today).year
    years = range(max(hired.year, last - 3), last + 1)
    return [(number, year, round(base * 1.03 ** (year - last)) // 10_000 * 10_000) for year in years]
