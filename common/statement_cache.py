"""A cache of compiled SQL statements, which run again with other values.

Django takes longer to compile a page's statement than PostgreSQL takes to run it.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection

from common import encryption
from common.encrypted_fields import Encrypted

if TYPE_CHECKING:
    from django.db.models import QuerySet

MAX_STATEMENTS = 100  # in the cache; a few shapes are nearly all queries

Columns = tuple[Any, ...]
Values = Sequence[tuple[str, Any]]  # each with the name of the column that it is compared with


class Statement:
    """The compiled statement of a queryset of plain columns; its last `places` values are parameters."""

    def __init__(self, rows: "QuerySet[Any, Any]", places: int) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        self._sql, values = compiler.as_sql()
        self._fixed_values = tuple(values[: len(values) - places])
        self._fields = {field.name: field for field in rows.model._meta.concrete_fields}  # noqa: SLF001 - documented
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        fields = {index: column.output_field for index, (_, column) in converters.items()}
        self._encrypted = {index: field for index, field in fields.items() if isinstance(field, Encrypted)}
        self._converters = {index: each for index, each in converters.items() if index not in self._encrypted}

    def ask(self, values: Values) -> list[Columns]:
        """The rows for these parameters. Raises Django's database errors."""
        parameters = [self._fields[name].get_db_prep_value(value, connection) for name, value in values]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, (*self._fixed_values, *parameters))
            rows: list[Columns] = cursor.fetchall()
        if self._encrypted and not self._are_clear(rows):
            rows = [self._decrypted(row) for row in rows]
        return [self._converted(row) for row in rows] if self._converters else rows

    def _are_clear(self, rows: list[Columns]) -> bool:
        """Whether all rows are clear.

        A row is encrypted as a whole, so its first encrypted column tells, if it is not blank. To ask each column would
        cost a tenth of a page's CPU time, also without `DATA_KEYS`.
        """
        first = min(self._encrypted)
        return all((value := row[first]) and value[0] != encryption.MARK for row in rows)

    def _decrypted(self, row: Columns) -> Columns:
        values = list(row)
        for index, field in self._encrypted.items():
            if values[index]:
                values[index] = field.opened(values[index])
        return tuple(values)

    def _converted(self, row: Columns) -> Columns:
        values = list(row)
        for index, (converters, column) in self._converters.items():
            for convert in converters:
                values[index] = convert(values[index], column, connection)
        return tuple(values)


_statements: dict[Hashable, Statement] = {}


def ask(shape: Hashable, rows: "Callable[[], QuerySet[Any, Any]]", values: Values) -> list[Columns]:
    """The rows of a query. Queries of one `shape` differ only in `values`, the last parameters of the statement."""
    statement = _statements.get(shape)
    if statement is None:
        if len(_statements) >= MAX_STATEMENTS:
            _statements.clear()
        statement = _statements[shape] = Statement(rows(), len(values))
    return statement.ask(values)
