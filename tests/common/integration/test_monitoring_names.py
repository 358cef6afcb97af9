"""Metrics, labels and values named by the alerts, the dashboard and the runbook exist in a real scrape."""

import re

import promql_parser
import pytest
import redis
from django.apps import apps
from django.test import Client

from common import metrics
from common.metrics import scrape as scraping
from tests.support.gateway import predict
from tests.support.metrics import Scrape
from tests.support.monitoring import RUNBOOK, expressions, rules, selectors

pytestmark = pytest.mark.any_database

PROMETHEUS_OWN = {"up"}
OURS = ("outcome", "sending", "set", "kind", "state", "call", "queue")  # labels whose values this code defines


@pytest.fixture
def scrape(gateway: Client, broker: redis.Redis, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Scrape:
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 0)
    monkeypatch.setattr(scraping, "PART_SECONDS", 20)  # on a busy machine parts are slow, not down
    predict(gateway)
    metrics.count_provider_call(metrics.ProviderCall("a service", "succeeded", seconds=1.0, tokens_in=1, tokens_out=1))
    return Scrape.of(gateway.get("/metrics").content.decode())


def values(scrape: Scrape, name: str, label: str) -> set[str]:
    return {dict(labels).get(label, "") for sample, labels in scrape.samples if sample == name}


def test_each_metric_exists(scrape: Scrape) -> None:
    known = {name for name, _ in scrape.samples} | PROMETHEUS_OWN
    used = {where: {selector.name for selector in selectors(text)} for where, text in expressions().items()}
    assert {where: names - known for where, names in used.items() if names - known} == {}


def test_each_label_and_each_label_value_exists(scrape: Scrape) -> None:
    for where, text in expressions().items():
        for selector in selectors(text):
            for matcher in selector.matchers.matchers if selector.name not in PROMETHEUS_OWN else ():
                if matcher.name == "job":  # Prometheus adds it
                    continue
                there = values(scrape, str(selector.name), matcher.name)
                assert there - {""}, (where, matcher.name)
                is_pattern = matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe)
                asked = matcher.value.split("|") if is_pattern else [matcher.value]
                assert matcher.name not in OURS or set(asked) <= there, (where, asked)


def test_each_label_in_an_aggregation_exists(scrape: Scrape) -> None:
    labels = {label for _, found in scrape.samples for label, _ in found}
    for where, text in expressions().items():
        for words in re.findall(r"\bby \(([^)]*)\)", text):
            assert set(words.split(", ")) <= labels, where


def test_the_runbook_names_only_existing_metrics(scrape: Scrape) -> None:
    known = {name for name, _ in scrape.samples} | set(scrape.families)
    tables = {model._meta.db_table for model in apps.get_models()}
    named = {name.rstrip("_") for name in re.findall(r"\bml_proxy_[a-z_]+", RUNBOOK)} - tables
    assert named
    assert {name for name in named if not any(one.startswith(name) for one in known)} == set()


def test_no_alert_fires_on_a_healthy_system(scrape: Scrape) -> None:
    """Checks alerts that compare one gauge with a number, because they need no history."""
    simple = re.compile(r'^(?:max\()?(ml_proxy_\w+)(?:\{\w+="([^"]*)"\})?\)? (>|==) ([0-9.]+)$')
    found = {name: match for name, rule in rules().items() if (match := simple.match(rule["expr"]))}
    assert len(found) >= 6
    for name, match in found.items():
        metric, value, sign, bound = match.groups()
        samples = [
            number
            for (sample, labels), number in scrape.samples.items()
            if sample == metric and (value is None or value in dict(labels).values())
        ]
        assert samples, name
        assert not any(number > float(bound) if sign == ">" else number == float(bound) for number in samples), name
