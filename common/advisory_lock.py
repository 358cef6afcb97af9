"""Lets one transaction at a time do something, across all processes."""

from django.db import connection


def hold(number: int) -> None:
    """Waits for the lock of this number, and holds it until the caller's transaction ends. Raises database errors.

    Numbers are the caller's choice; no two uses in one database share one.
    """
    if connection.vendor == "postgresql":  # on SQLite, whoever writes is alone
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
