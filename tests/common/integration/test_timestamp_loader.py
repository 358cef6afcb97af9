"""Timestamps of PostgreSQL come as Django's own loader returns them, without its cost."""

from datetime import UTC, datetime

import pytest
from django.db import connection

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MOMENTS = (
    "2026-11-30 23:59:59.999999+09",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59+00",
    "2026-03-29 02:30:00+01",
)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's type")
@pytest.mark.parametrize("text", MOMENTS)
def test_a_timestamp_is_in_utc_and_of_the_right_moment(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        [(found,)] = cursor.fetchall()
    assert found == datetime.fromisoformat(text)
    assert found.tzinfo is UTC


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's type")
def test_django_does_not_put_its_own_loader_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        oid = cursor.description[0].type_code
        assert cursor.adapters.get_loader(oid, 0).__name__ == "TimestampLoader"
