"""Reads the texts of this package."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


def introduction() -> str:
    """The introduction, as CommonMark."""
    return (FOLDER / "introduction.md").read_text(encoding="utf-8")


def engines() -> list[dict[str, Any]]:
    """The groups of operations: name, description, and the beginnings of their paths."""
    return list(_read("engines.yaml"))


def fields() -> dict[str, str]:
    """Descriptions of fields and parameters."""
    return dict(_read("fields.yaml"))


def answers() -> dict[str, dict[str, str]]:
    """Errors of single operations: a description by operation and status."""
    return dict(_read("answers.yaml"))


def examples() -> dict[str, dict[str, Any]]:
    """Examples by operation: `request`, `parameters` by name, `answer`, and others in `answers` by status."""
    return dict(_read("examples.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
