"""What all processes of this state folder counted, and what those that live use of the machine."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from common.metrics import instruments
from common.metrics.process_metrics import Lives, Process, lock_against_forks

PREFIX = "ml_proxy"

_reading = lock_against_forks()


class Counts(Collector):
    """A collector for the client's registries. Collecting raises `OSError`."""

    def collect(self) -> Iterable[Metric]:
        """The sums over all processes, the dead ones included; then each living process by itself."""
        instruments.prepare()
        with _reading:
            metrics, processes = Lives(Path(settings.METRICS_DIR)).read()
        return [*metrics, *_of_processes(processes)]


def serve(address: str, port: int) -> None:
    """Answers scrapes on a port of this process' own, in a thread: for a worker that no gateway shares files with.

    Raises `OSError` where the port can't be had.
    """
    registry = CollectorRegistry()
    registry.register(Counts())
    start_http_server(port, address, registry)


def _of_processes(processes: Iterable[Process]) -> Iterable[Metric]:
    found: dict[str, Metric] = {}
    for process, metric in _all_of(processes):
        whole = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
        for sample in metric.samples:
            labels = {**sample.labels, "pid": str(process.pid), "program": process.program}
            whole.add_sample(sample.name, labels, sample.value)
    return found.values()


def _all_of(processes: Iterable[Process]) -> Iterator[tuple[Process, Metric]]:
    for process in processes:
        collector = ProcessCollector(PREFIX, partial(str, process.pid), registry=None)
        for metric in collector.collect():
            yield process, metric
