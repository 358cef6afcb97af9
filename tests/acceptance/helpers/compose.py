"""Reads docker-compose.yml like Compose: resolves anchors and merges, and fills in variables."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.system import ROOT

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<word>[^}]*))?\}")
SCHEMA = json.loads(Path(__file__).with_name("compose_schema.json").read_text())
TEXT = (ROOT / "docker-compose.yml").read_text()


class Missing(Exception):
    """A required variable is missing; the text is Compose's message."""


def document() -> dict[str, Any]:
    """Returns the file without filling in variables."""
    loaded: dict[str, Any] = yaml.safe_load(TEXT)
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """Returns the services by name."""
    found: dict[str, dict[str, Any]] = document()["services"]
    return found


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Returns `text` with `${NAME}`, `${NAME:-default}` and `${NAME:?message}` replaced. Raises `Missing`."""
    return VARIABLE.sub(lambda found: _value(found, variables), text)


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(found["name"], "")
    if not value and found["sign"] == "?":
        raise Missing(f"{found['name']}: {found['word']}")
    return value or found["word"] or ""
