"""Metrics, by the Prometheus client in its multi-process mode.

`instruments` counts events. `process_metrics` keeps the counts of each process in files, also after the process has
ended. `collector` adds all of them up. `scrape` measures everything else.
"""

from common.metrics.collector import Counts, serve
from common.metrics.instruments import (
    ModelTime,
    Outcome,
    ProviderCall,
    begin_exchange,
    count_batch,
    count_exchange,
    count_provider_call,
    count_records,
    prepare,
)

__all__ = [
    "Counts",
    "ModelTime",
    "Outcome",
    "ProviderCall",
    "begin_exchange",
    "count_batch",
    "count_exchange",
    "count_provider_call",
    "count_records",
    "prepare",
    "serve",
]
