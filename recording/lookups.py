"""Look-ups by values that are encrypted: a column beside each has a keyed hash of it.

The key is random and belongs to the database. A row of `LookupKey` holds it, encrypted with `DATA_KEYS`, so it stays
the same when these are rotated. A process reads it once, when it first writes or looks up such a value. A prediction
needs it only if its row is written directly.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, models

from common.exceptions import DatabaseUnavailable
from common.keyed_hash import KeyedHash
from recording.models import LookupKey

if TYPE_CHECKING:
    UUIDField = models.UUIDField[Any, Any]
else:
    UUIDField = models.UUIDField

_known: dict[str, KeyedHash] = {}  # by the database's name


class LookupField(UUIDField):
    """The keyed hash of another field of its model, for filters and their indexes. Saving a row computes it."""

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**{"null": True, "editable": False} | options)

    def deconstruct(self) -> Any:
        """The arguments, for migrations."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"of": self.of}

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        """Computes the hash of the instance's value."""
        value = lookup(self.of, getattr(model_instance, self.of))
        setattr(model_instance, self.attname, value)
        return value


def lookup(column: str, value: str) -> UUID:
    """The keyed hash of a column's value: 128 bits of an HMAC-SHA-256. Raises `UnknownDataKey` or a database error."""
    return _hash(_key(), column, value)


@lru_cache(maxsize=4096)  # a clinic's doctors and its patients of the day come again and again
def _hash(key: KeyedHash, column: str, value: str) -> UUID:
    return UUID(bytes=_hash_bytes(key, column, value))


def _hash_bytes(key: KeyedHash, column: str, value: str) -> bytes:
    return key.digest(f"{column}\0{value}".encode())[:16]


@cache
def lookup_fields(model: type[models.Model]) -> dict[str, LookupField]:
    """The model's look-up fields, by the field that each is a hash of."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django documents _meta as public
    return {field.of: field for field in fields if isinstance(field, LookupField)}


def fill(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Sets the look-up columns of a model's unsaved rows that are not saved by Django. It reads the key once."""
    if not lookup_fields(model):
        return
    key = _key()
    for name, field in lookup_fields(model).items():
        for row in rows:
            setattr(row, field.attname, _hash(key, name, getattr(row, name)))


def filled_check(model: type[models.Model]) -> Callable[[Mapping[str, Any]], bool]:
    """Tells whether a row's look-up columns are those of its values: a changed one would hide the row from history.

    It reads the key once, for all rows that are checked.
    """
    names = [(name, field.attname) for name, field in lookup_fields(model).items()]
    if not names:
        return lambda _: True
    key = _key()

    def are_filled(values: Mapping[str, Any]) -> bool:
        for name, column in names:  # compared as bytes, because millions of UUIDs take long to make
            found = values[column]
            if found is None or found.bytes != _hash_bytes(key, name, values[name]):
                return False
        return True

    return are_filled


def make_key(**_: Any) -> None:
    """Makes the database's key, unless it has one. Runs after each `migrate` and `flush`."""
    _known.clear()
    if LookupKey._meta.db_table in connection.introspection.table_names():  # noqa: SLF001 - `migrate recording zero`
        LookupKey.objects.get_or_create(pk=1)


def _key() -> KeyedHash:
    name = str(connection.settings_dict["NAME"])
    if name not in _known:
        found = LookupKey.objects.filter(pk=1).first()
        if found is None:
            raise DatabaseUnavailable("The database has no look-up key: run `manage.py migrate`.")
        _known[name] = KeyedHash(bytes(found.key))
    return _known[name]
