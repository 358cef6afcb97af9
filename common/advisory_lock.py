"""A lock for one transaction at a time, across all processes."""

from django.db import connection


def hold(number: int) -> None:
    """Waits for the lock with this number, and holds it until the caller's transaction ends. Raises database errors.

    Each use in one database needs a number of its own.
    """
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
