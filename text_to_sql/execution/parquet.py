"""Results as Apache Parquet, with the types that the database has."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from text_to_sql.execution.result import Result
from text_to_sql.execution.values import as_text

_KINDS: Mapping[str, Callable[[], pa.DataType]] = {
    "boolean": pa.bool_,
    "integer": pa.int64,
    "number": pa.float64,
    "timestamp": lambda: pa.timestamp("us"),
    "timestamp with time zone": lambda: pa.timestamp("us", tz="UTC"),
    "date": pa.date32,
    "time": lambda: pa.time64("us"),
    "interval": lambda: pa.duration("us"),
    "bytes": pa.binary,
}


def written(result: Result) -> bytes:
    """The file. A column whose values do not fit its type, such as one of SQLite with several types, is of texts."""
    columns = [_column(kind, [row[place] for row in result.values]) for place, kind in enumerate(result.types)]
    fields = [pa.field(name, column.type) for name, column in zip(result.names, columns, strict=True)]
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields, {"truncated": str(int(result.truncated))}))
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _column(kind: str, values: Sequence[Any]) -> pa.Array:
    try:
        if kind == "decimal":
            return pa.array(values, pa.decimal128(*_digits(values)))
        if kind in _KINDS:
            return pa.array([_plain(value) for value in values], _KINDS[kind]())
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        pass
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())


def _digits(values: Sequence[Any]) -> tuple[int, int]:
    """Precision and scale that hold all decimals. Raises `ValueError` if there are none, as with NaN."""
    whole = scale = 0
    for value in values:
        if value is not None:
            _, digits, exponent = value.as_tuple()
            scale = max(scale, -int(exponent))
            whole = max(whole, len(digits) + int(exponent))
    return max(whole + scale, 1), scale


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytearray | memoryview) else value
