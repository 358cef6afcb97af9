"""Describes the rows of a record source for OpenAPI, from the fields of its model."""

from typing import Any

from django.db import models

from recording.history import History
from recording.sources import RecordSource

TYPES: dict[type[Any], dict[str, Any]] = {
    models.UUIDField: {"type": "string", "format": "uuid"},
    models.DateTimeField: {"type": "string", "format": "date-time"},
    models.IntegerField: {"type": "integer"},
    models.FloatField: {"type": "number"},
    models.BooleanField: {"type": "boolean"},
}
TEXT = {"type": "string"}


def row_schema(source: RecordSource) -> dict[str, Any]:
    """The JSON Schema of one row of history. Its other members, such as links to files, are not always there."""
    names = History(source).row._fields
    return {"type": "object", "required": list(names), "properties": {name: _field(source, name) for name in names}}


def _field(source: RecordSource, name: str) -> dict[str, Any]:
    field: Any = source.model._meta.get_field(name)  # noqa: SLF001 - Django documents _meta as public
    found: dict[str, Any] = next((schema for kind, schema in TYPES.items() if isinstance(field, kind)), TEXT)
    schema = {} if name in source.json else dict(found)
    return {**schema, "description": str(field.help_text)} if field.help_text else schema
