"""Parses timestamps."""

from datetime import UTC, datetime, tzinfo

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext


def moment(value: str, zone: tzinfo = UTC) -> datetime:
    """Parses ISO 8601, and converts it to UTC. A date means its beginning; a time without an offset is of `zone`.

    Raises `ValueError` with a fix.
    """
    text = value.strip()
    time, _, offset = text.rpartition(" ")
    if ":" in time:  # the blank was the plus sign of an offset, not percent-encoded
        text = f"{time}+{offset}"
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 - set below
        if found is None:
            raise ValueError
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(gettext("must be a time in ISO 8601, such as 2026-01-31T09:00:00Z")) from None
