"""What this system counts, through the Prometheus client in its multi-process mode.

`instruments` is what the code calls where something happens; `process_metrics` keeps each process' counts in files
beside the journal, those of dead processes too; `collector` adds all of them up. `scrape` measures the rest.
"""

from common.metrics.collector import Counts, serve
from common.metrics.instruments import (
    ModelTime,
    Outcome,
    begin_exchange,
    count_batch,
    count_exchange,
    count_records,
    prepare,
)

__all__ = [
    "Counts",
    "ModelTime",
    "Outcome",
    "begin_exchange",
    "count_batch",
    "count_exchange",
    "count_records",
    "prepare",
    "serve",
]
