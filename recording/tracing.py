"""Spans of rows, where traces are on: see `common.tracing`."""

from contextlib import AbstractContextManager, nullcontext

from common import tracing
from recording.batches import Batch

if tracing.IS_ON:
    from recording import row_spans


def writing(batch: Batch) -> AbstractContextManager[None]:
    """A span for each traced record that is written in the block, in the record's own trace, and one for the batch."""
    return row_spans.writing(batch) if tracing.IS_ON else nullcontext()


def refused(sequence: int) -> None:
    """Within `writing`: the record of this number became no row."""
    if tracing.IS_ON:
        row_spans.refused(sequence)
