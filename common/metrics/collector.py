"""Collects the counts of all processes of this state folder, and the resources that running processes use."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from common.metrics import instruments
from common.metrics.process_metrics import Process, ProcessFiles, lock_against_forks

PREFIX = "ml_proxy"

_read_lock = lock_against_forks()


class Counts(Collector):
    """A collector for the client's registries. Collecting raises `OSError`."""

    def collect(self) -> Iterable[Metric]:
        """The sums over all processes, ended ones included; then each running process."""
        instruments.prepare()
        with _read_lock:
            metrics, processes = ProcessFiles(Path(settings.METRICS_DIR)).read()
        return [*metrics, *_process_metrics(processes)]


def serve(address: str, port: int) -> None:
    """Serves scrapes on a port, in a thread: for a worker that shares no files with a gateway.

    Raises `OSError` if the port can't be opened.
    """
    registry = CollectorRegistry()
    registry.register(Counts())
    start_http_server(port, address, registry)


def _process_metrics(processes: Iterable[Process]) -> Iterable[Metric]:
    found: dict[str, Metric] = {}
    for process, metric in _resources(processes):
        total = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
        for sample in metric.samples:
            labels = {**sample.labels, "pid": str(process.pid), "program": process.program}
            total.add_sample(sample.name, labels, sample.value)
    return found.values()


def _resources(processes: Iterable[Process]) -> Iterator[tuple[Process, Metric]]:
    for process in processes:
        collector = ProcessCollector(PREFIX, partial(str, process.pid), registry=None)
        for metric in collector.collect():
            yield process, metric
