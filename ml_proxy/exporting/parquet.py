"""Apache Parquet, for those who read the log as a data set."""

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from ml_proxy.rows import Row

GROUP_BYTES = 16 * 1024 * 1024  # of rows that wait to become a row group: readers want few and large ones
MOMENT = pa.timestamp("us", tz="UTC")
TYPES = {"created_at": MOMENT, "predicted_at": MOMENT, "latency_ms": pa.float64()}  # all others are strings
SCHEMA = pa.schema([pa.field(name, TYPES.get(name, pa.string()), nullable=False) for name in Row._fields])
REPEATING = ["doctor_name", "patient_name", "model_name", "model_version", "caller"]


class Parquet:
    """Ids are strings, as in the other forms, so that a reader can join them; moments are microseconds in UTC."""

    torn = b""  # without its footer it is no Parquet file

    def __init__(self) -> None:
        self._written = BytesIO()
        self._writer = ParquetWriter(self._written, SCHEMA, compression="zstd", use_dictionary=REPEATING)
        self._waiting: list[pa.RecordBatch] = []

    def begin(self) -> bytes:
        """The magic number."""
        return self._take()

    def add(self, rows: Sequence[Row]) -> bytes:
        """A row group, once enough rows wait."""
        if rows:
            self._waiting.append(_batch(rows))
        if sum(batch.nbytes for batch in self._waiting) >= GROUP_BYTES:
            self._write_group()
        return self._take()

    def end(self) -> bytes:
        """The last row group, and the footer."""
        if self._waiting:
            self._write_group()
        self._writer.close()
        return self._take()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._waiting, SCHEMA)
        self._waiting = []
        self._writer.write_table(table, row_group_size=table.num_rows)

    def _take(self) -> bytes:
        taken = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return taken


def _batch(rows: Sequence[Row]) -> pa.RecordBatch:
    columns = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
    columns["id"] = tuple(map(str, columns["id"]))
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)
