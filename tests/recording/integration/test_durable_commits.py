"""What is confirmed is on the database's disk: the journal has it no more. An administrator may have set otherwise."""

from uuid import uuid4

import pytest
from django.db import connection, transaction

from recording import origins

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has PRAGMA synchronous=FULL"),
]


def chosen() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("default", "expected"), [("off", "on"), ("local", "local"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_a_transaction_that_settles_numbers_is_durable(default: str, expected: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('synchronous_commit', %s, false)", [default])
    with transaction.atomic():
        origins.lock(uuid4())
        assert chosen() == expected
    assert chosen() == default
    connection.close()
