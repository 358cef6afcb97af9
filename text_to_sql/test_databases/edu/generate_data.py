"""Rows of a school."""

from text_to_sql.test_databases.source import Rows, Source

SUBJECTS = ("수학", "영어", "국어", "과학", "역사", "음악", "코딩")
REGIONS = ("서울", "경기", "부산", "대구", "광주", "강원", "제주")


def rows(source: Source) -> Rows:
    """All tables."""
    rng, fake = source.rng, source.fake
    teachers = [(number, fake.name(), SUBJECTS[number % len(SUBJECTS)]) for number in range(1, 31)]
    students = [
        (number, fake.name(), rng.randrange(1, 4), source.skewed(REGIONS), source.day(1000)) for number in range(1, 401)
    ]
    courses = [
        (number, teacher[0], f"{teacher[2]} {rng.choice(('기초', '심화', '특강'))} {number}", teacher[2],
         rng.choice((20, 30, 40)), source.won(50_000, 400_000, 10_000))
        for number in range(1, 71)
        for teacher in [rng.choice(teachers)]
    ]  # fmt: skip
    enrollments = [_enrollment(source, number) for number in range(1, 2501)]
    return {
        "teachers": list(teachers),
        "students": list(students),
        "courses": list(courses),
        "enrollments": enrollments,
    }


def _enrollment(source: Source, number: int) -> tuple[object, ...]:
    """Four of five are completed, and only these have a score."""
    completed = source.rng.random() < 0.8
    score = round(min(100.0, source.rng.gauss(76, 13)), 1) if completed else None
    return number, source.rng.randrange(1, 401), source.skewed(range(1, 71)), source.time(365), score, completed
