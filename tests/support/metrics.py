"""A scrape of `/metrics`, parsed by the Prometheus client, and the difference of two scrapes."""

from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Scrape:
    """Families by name, and samples by name and labels."""

    families: dict[str, Metric]
    samples: dict[tuple[str, Labels], float]

    @classmethod
    def of(cls, text: str) -> "Scrape":
        """Parses a scrape; checks that families and samples are unique."""
        families = list(text_string_to_metric_families(text))
        names = [family.name for family in families]
        assert sorted(names) == sorted(set(names))
        samples = [sample for family in families for sample in family.samples]
        found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(found) == len(samples)
        return cls({family.name: family for family in families}, found)

    def value(self, name: str, **labels: str) -> float | None:
        """A sample's value, None if it is missing; `name` is without the prefix `ml_proxy_`."""
        return self.samples.get((f"ml_proxy_{name}", frozenset(labels.items())))

    def numbers(self) -> dict[str, float]:
        """The account of all records, by set."""
        return {dict(labels)["set"]: value for (name, labels), value in self.samples.items() if "log_numbers" in name}

    def since(self, before: "Scrape") -> dict[str, float]:
        """Counters that changed: `name{value,…}` with the label values in the order of their names.

        Without the resources of processes.
        """
        return {
            _sample_name(name, labels): value - before.samples.get((name, labels), 0.0)
            for (name, labels), value in self.samples.items()
            if name.endswith(("_total", "_count"))
            and not name.startswith("ml_proxy_process")
            and value != before.samples.get((name, labels), 0.0)
        }


def _sample_name(name: str, labels: Labels) -> str:
    values = ",".join(value for _, value in sorted(labels))
    return f"{name.removeprefix('ml_proxy_')}{{{values}}}" if values else name.removeprefix("ml_proxy_")
