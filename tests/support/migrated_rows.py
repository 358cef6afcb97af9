"""The rows that migrations make: content types, permissions, roles, and the key of look-ups."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction

from recording import lookups


class MigratedRows:
    """Stands in for `emit_post_migrate_signal`: makes the rows the first time, and inserts copies after that."""

    def __init__(self, make: Callable[..., None]) -> None:
        self._make = make
        self._rows: list[list[models.Model]] = []

    def __call__(self, *args: Any, **options: Any) -> None:
        """All tables are empty."""
        if self._rows:
            self._insert()
            return
        self._make(*args, **options)
        kinds = (each for each in apps.get_models(include_auto_created=True) if each._meta.managed)
        self._rows = [rows for kind in kinds if (rows := list(kind._base_manager.all()))]

    def _insert(self) -> None:
        with transaction.atomic():  # foreign keys are checked at its end
            for rows in self._rows:
                type(rows[0])._base_manager.bulk_create(rows)
        ContentType.objects.clear_cache()
        lookups._known.clear()
