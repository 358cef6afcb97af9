"""Parses JSON logs."""

import json
from datetime import datetime, timedelta
from typing import Any

REQUIRED = {"timestamp", "level", "logger", "message", "request_id", "process"}


def parse_log(text: str) -> list[dict[str, Any]]:
    """The object of each line; checks the members that every line must have."""
    objects: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in objects:
        assert set(line) >= REQUIRED, line
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    return objects
