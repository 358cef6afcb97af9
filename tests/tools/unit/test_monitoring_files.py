"""The configuration for Prometheus and Grafana, checked without running them."""

import re

import jsonschema
import promql_parser
import pytest
import yaml
from django.core.management import get_commands

from tests.support.monitoring import FOLDER, RUNBOOK, dashboard, expressions, groups, rules, selectors
from tests.tools.unit.test_compose import documented

DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|[smhdwy]))+$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["alert", "expr", "labels", "annotations"],
    "properties": {
        "alert": {"type": "string", "pattern": "^MLProxy[A-Za-z]+$"},
        "expr": {"type": "string"},
        "for": DURATION,
        "labels": {**TEXTS, "required": ["severity"], "properties": {"severity": {"enum": ["critical", "warning"]}}},
        "annotations": {**TEXTS, "required": ["summary", "description", "runbook_url"]},
    },
}
GROUP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "rules"],
    "properties": {"name": {"type": "string"}, "rules": {"type": "array", "minItems": 1, "items": RULE}},
}
# https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
RULES_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {"groups": {"type": "array", "items": GROUP}},
}
FENCED = "\n".join(re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL))


def sections() -> dict[str, str]:
    """Returns the runbook's sections by the anchors of their headings."""
    parts = re.split(r"^## (.+)\n", RUNBOOK, flags=re.MULTILINE)[1:]
    return {heading.lower().replace(" ", "-"): text for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def test_its_alerts_follow_the_schema() -> None:
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    jsonschema.Draft202012Validator(RULES_FILE).validate(document)
    assert sum(len(group["rules"]) for group in groups()) == len(rules())
    assert len({group["name"] for group in groups()}) == len(groups())


@pytest.mark.parametrize("wrong", [{"for": "5 min"}, {"expresion": "up"}, {"labels": {}}, {"alert": "ml proxy"}])
def test_its_schema_rejects_mistakes(wrong: dict[str, str]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(RULE).validate(rules()["MLProxyLogLate"] | wrong)


@pytest.mark.parametrize("where", expressions())
def test_each_expression_is_promql_and_selects_by_name(where: str) -> None:
    found = list(selectors(expressions()[where]))
    assert found
    assert all(selector.name for selector in found)


def test_its_parser_rejects_mistakes() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum(rate(ml_proxy_requests_total[5m]) > 1")


@pytest.mark.parametrize("name", rules())
def test_each_alert_has_a_section_with_commands(name: str) -> None:
    path, _, anchor = rules()[name]["annotations"]["runbook_url"].partition("#")
    assert (path, anchor) == ("docs/runbook.md", name.lower())
    section = sections()[anchor]
    assert all(f"**{word}.**" in section for word in ("Means", "Doctors notice", "Look at"))
    assert "```sh\n" in section


def test_the_runbook_has_a_section_for_no_other_alert() -> None:
    alerts = {heading for heading in sections() if heading.startswith("mlproxy")}
    assert alerts == {name.lower() for name in rules()}


def test_the_runbook_s_links_have_targets() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", RUNBOOK)
    assert links
    assert set(links) <= set(sections())


def test_the_runbook_uses_existing_commands_and_settings() -> None:
    commands = re.findall(r"(?:^|[ |;])(?:manage|manage\.py) ([a-z_]+)", FENCED, re.MULTILINE)
    assert {"reconcile", "verify_log", "migrate"} <= set(commands) <= set(get_commands())
    settings = re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", RUNBOOK)
    assert {"JOURNAL_MAX_BYTES", "SEAL_KEY"} <= set(settings) <= documented()


def test_each_label_that_an_alert_shows_is_left_by_its_expression() -> None:
    for rule in rules().values():
        shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        aggregates = re.match(r"\s*(sum|max|histogram_quantile)\b", rule["expr"])
        assert not (shown and aggregates), rule["alert"]


def test_grafana_accepts_the_dashboard() -> None:
    found = dashboard()
    assert (found["title"], found["schemaVersion"] >= 39, found["uid"]) == ("ML Proxy", True, "ml-proxy")
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    [source, _] = found["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    for panel in found["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or (panel["datasource"]["uid"] == "${datasource}" and panel["targets"])


def test_no_two_panels_overlap() -> None:
    taken = [
        (x, y)
        for panel in dashboard()["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))


def test_the_dashboard_has_a_row_for_each_topic() -> None:
    rows = [panel["title"].partition(":")[0] for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert rows == ["Traffic", "Latency", "Log", "Journal", "Jobs, queues, processes"]


def test_prometheus_loads_the_rules() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    assert {job["job_name"] for job in config["scrape_configs"]} == {"ml-proxy", "ml-proxy-workers"}
