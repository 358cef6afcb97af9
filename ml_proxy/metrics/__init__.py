"""What this system counts, through the Prometheus client in its multi-process mode.

`counting` is what the code calls where something happens; `lives` keeps each process' counts in files beside the
journal, the dead ones' too; `reading` adds all of them up. What is measured at a scrape is `use_cases.gauges`.
"""

from ml_proxy.metrics.counting import (
    ModelTime,
    Outcome,
    begin_exchange,
    count_batch,
    count_exchange,
    count_records,
    prepare,
)
from ml_proxy.metrics.reading import Counts, serve

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
