"""One part of an attack, in a process of its own."""

import os
from typing import Any

import django

CHUNK = 1000  # statements between two looks at the database


def part(place: Any, wall: Any, statements: int, seed: int, number: int) -> Any:
    """Attacks with one part of the statements. Each part has a seed of its own."""
    from tools.attack_sql.attack import attack  # noqa: PLC0415 - as above
    from tools.attack_sql.targets import opened  # noqa: PLC0415

    with opened(place) as target:
        return attack(wall, target, min(CHUNK, statements - number * CHUNK), seed * 1_000_000 + number)


def set_up() -> None:
    """Sets Django up; also in the processes of a pool."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    django.setup()
