"""The files in `monitoring/`, and their expressions, parsed as PromQL."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import yaml

from tests.support.system import ROOT

FOLDER = ROOT / "monitoring"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
INTERVAL = re.compile(r"\$__rate_interval")


def groups() -> list[dict[str, Any]]:
    """The groups of `alerts.yml`."""
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return found


def rules() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"]}


def dashboard() -> dict[str, Any]:
    """The Grafana dashboard."""
    found: dict[str, Any] = json.loads((FOLDER / "grafana" / "ml-proxy.json").read_text())
    return found


def expressions() -> dict[str, str]:
    """All expressions by alert or panel, with Grafana's variables replaced."""
    found = {name: rule["expr"] for name, rule in rules().items()}
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            found[f"{panel['title']} {target['refId']}"] = INTERVAL.sub("5m", target["expr"]).replace("$job", ".*")
    return found


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """The vector selectors of an expression. Raises `ValueError` for invalid PromQL."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return (node for node in found if isinstance(node, promql_parser.VectorSelector))
