"""A log in JSON, read back."""

import json
from datetime import datetime, timedelta
from typing import Any

ALWAYS = {"timestamp", "level", "logger", "message", "request_id", "process"}


def lines_of(text: str) -> list[dict[str, Any]]:
    """Each line as the object that it must be, with what every line has."""
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in found:
        assert set(line) >= ALWAYS, line
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    return found
