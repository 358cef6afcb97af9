"""Apache Parquet, for reading the log as a data set."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from common.export_formats import Line

GROUP_BYTES = 16 * 1024 * 1024  # of rows in one row group; readers are faster with few large groups
TYPES = {datetime: pa.timestamp("us", tz="UTC"), float: pa.float64(), int: pa.int64()}  # all others are strings
REPEATING = {"doctor_name", "patient_name", "model_name", "model_version", "caller", "label", "verdict"}


class Parquet:
    """Ids are strings, as in the other formats, so that a reader can join them; timestamps are microseconds in UTC."""

    torn = b""  # without a footer it is not a Parquet file

    def __init__(self, kind: type[Any]) -> None:
        hints = get_type_hints(kind)
        repeating = [name for name in hints if name in REPEATING]
        self._schema = pa.schema([_field(name, hint) for name, hint in hints.items()])
        self._ids = [name for name, hint in hints.items() if hint is UUID]
        self._buffer = BytesIO()
        self._writer = ParquetWriter(self._buffer, self._schema, compression="zstd", use_dictionary=repeating)
        self._batches: list[pa.RecordBatch] = []

    def begin(self) -> bytes:
        """The magic number."""
        return self._take()

    def add(self, rows: Sequence[Line]) -> bytes:
        """A row group, as soon as there are enough rows."""
        if rows:
            self._batches.append(self._batch(rows))
        if sum(batch.nbytes for batch in self._batches) >= GROUP_BYTES:
            self._write_group()
        return self._take()

    def end(self) -> bytes:
        """The last row group, and the footer."""
        if self._batches:
            self._write_group()
        self._writer.close()
        return self._take()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches = []
        self._writer.write_table(table, row_group_size=table.num_rows)

    def _take(self) -> bytes:
        data = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return data

    def _batch(self, rows: Sequence[Line]) -> pa.RecordBatch:
        columns: dict[str, Sequence[Any]] = dict(zip(self._schema.names, zip(*rows, strict=True), strict=True))
        columns |= {name: [str(cell) for cell in columns[name]] for name in self._ids}
        return pa.record_batch([pa.array(columns[field.name], field.type) for field in self._schema], self._schema)


def _field(name: str, hint: Any) -> pa.Field:
    return pa.field(name, TYPES.get(hint, pa.string()), nullable=NoneType in get_args(hint))
