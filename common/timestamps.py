"""Moments, as people and programs write them."""

from datetime import UTC, datetime

from django.utils.dateparse import parse_date, parse_datetime


def moment(value: str) -> datetime:
    """`value`, ISO 8601, in UTC; a day is its beginning, and what has no offset is UTC.

    Raises `ValueError`, which says what to do.
    """
    text = value.strip()
    time, _, offset = text.rpartition(" ")
    if ":" in time:  # the blank was an offset's plus sign that nobody escaped
        text = f"{time}+{offset}"
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 - set below
        if found is None:
            raise ValueError
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time in ISO 8601, such as 2026-01-31T09:00:00Z") from None
