"""Model fields that are encrypted at rest if `DATA_KEYS` is set, and clear text otherwise. Reading accepts both.

Only saving encrypts. A query can't compare such a column with a value, except with a blank one: every envelope differs.
For look-ups by the whole value, `recording.lookups.LookupField` stores a keyed hash beside it.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from django.db import models
from django.db.models import ExpressionWrapper, F
from django.db.models.lookups import Exact, IsNull

from common import encryption

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
    BinaryField = models.BinaryField[Any, Any]
else:
    TextField, BinaryField = models.TextField, models.BinaryField


class CannotCompare(TypeError):
    """A query compares an encrypted column with a value."""


class _Blank(Exact):
    """`= ''`, and no other comparison."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Raises `CannotCompare` for any other value."""
        if self.rhs:
            column = self.lhs.target.name
            raise CannotCompare(f"{column} is encrypted: filter by its LookupField, or compare it with a blank")
        return super().as_sql(compiler, connection)


class Encrypted:
    """What both kinds of fields have in common."""

    envelope: str  # how their envelopes begin
    plain: Any  # how the column looks to the database

    @cached_property
    def place(self) -> bytes:
        """What is authenticated with each value."""
        return f"{self.model._meta.label_lower}.{self.column}".encode()  # type: ignore[attr-defined] # noqa: SLF001

    def stored(self, value: Any) -> Any:
        """What the column gets for a value."""
        raise NotImplementedError

    def opened(self, value: Any) -> Any:
        """The value that the column stands for. Raises `UnknownDataKey`."""
        raise NotImplementedError

    def renewed(self, stored: Any) -> Any:
        """What the column would get now for the value that is stored. Raises `Undecryptable` or `UnknownDataKey`."""
        raise NotImplementedError

    def raw(self) -> Any:
        """An expression for what the column stores."""
        return ExpressionWrapper(F(self.name), output_field=self.plain)  # type: ignore[attr-defined] # of the field

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Encrypts; expressions, such as a CASE of other columns, are left as they are."""
        plain = value if hasattr(value, "as_sql") else self.stored(value)
        return super().get_db_prep_save(plain, connection)  # type: ignore[misc] # of the mixed-in field

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        """Decrypts."""
        return None if value is None else self.opened(value)

    def get_lookup(self, name: str) -> Any:
        """Only whether it is null or blank can be asked of an encrypted column."""
        return {"exact": _Blank, "isnull": IsNull}.get(name)


class EncryptedTextField(Encrypted, TextField):
    """A text."""

    envelope = encryption.TEXT
    plain = models.TextField()

    def stored(self, value: Any) -> Any:
        """An envelope, or the text."""
        return encryption.protect_text(value, self.place) if value else value

    def opened(self, value: Any) -> Any:
        """The text."""
        return encryption.open_text(value, self.place)

    def renewed(self, stored: Any) -> Any:
        """A new envelope."""
        return encryption.renewed_text(stored, self.place)


class EncryptedJSONField(EncryptedTextField):
    """Any JSON value, stored as its text."""

    def stored(self, value: Any) -> Any:
        """An envelope, or the text."""
        return super().stored(orjson.dumps(value).decode())

    def opened(self, value: Any) -> Any:
        """The value."""
        return orjson.loads(super().opened(value))


class EncryptedBinaryField(Encrypted, BinaryField):
    """Bytes."""

    envelope = encryption.BYTES
    plain = models.BinaryField()

    def stored(self, value: Any) -> Any:
        """An envelope, or the bytes."""
        return encryption.protect_bytes(bytes(value), self.place) if value else value

    def opened(self, value: Any) -> Any:
        """The bytes."""
        return encryption.open_bytes(bytes(value), self.place)

    def renewed(self, stored: Any) -> Any:
        """A new envelope."""
        return encryption.renewed_bytes(bytes(stored), self.place)


def encrypted_fields(model: type[models.Model]) -> list[Any]:
    """The model's encrypted fields."""
    return [field for field in model._meta.concrete_fields if isinstance(field, Encrypted)]  # noqa: SLF001 - documented
