"""Gauges as the Prometheus client's metric families, under this project's prefix."""

from collections.abc import Mapping
from datetime import UTC, datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily


def gauge(name: str, text: str, value: float) -> Metric:
    """A gauge with one value."""
    return GaugeMetricFamily(f"ml_proxy_{name}", text, value)


def gauges_by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """A gauge with one value for each value of a label."""
    family = GaugeMetricFamily(f"ml_proxy_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def seconds_since(moment: datetime | None) -> float:
    """The age of a timestamp in seconds; 0 for None."""
    return max((datetime.now(UTC) - moment).total_seconds(), 0.0) if moment else 0.0
