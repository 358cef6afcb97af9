"""Model fields of questions in SQL."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    DecimalField = models.DecimalField[Any, Any]
else:
    DecimalField = models.DecimalField


class DecimalTextField(DecimalField):
    """A decimal number that Python sees as a text with all its places, as records have it. The database can add it."""

    def from_db_value(self, value: Decimal | None, _expression: Any, _connection: Any) -> str | None:
        """The text of a stored number."""
        return None if value is None else f"{value:.{self.decimal_places}f}"
