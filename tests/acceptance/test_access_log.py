"""A look at history is in the access log even if the gateway is killed right after its answer. Real processes."""

import json
from collections.abc import Callable

import pytest
import requests

from tests.acceptance.helpers.recording import answered, assert_all_are_rows
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database
PATIENT = "MARKER-PATIENT"


def test_no_look_is_lost_when_the_gateway_is_killed(make_system: Callable[..., System], model: ScriptedModel) -> None:
    system = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="1")
    system.start("redis", "web", "publisher", "worker-logs")
    assert_all_are_rows(system, answered(system, 20))
    seen = []
    for number in range(3):
        fields = {"X-Request-ID": f"look-{number}", "X-Purpose": "treatment"}
        answer = requests.get(f"{system.url}/ml/v1/history/", {"patient": PATIENT}, headers=fields, timeout=60)
        assert len(answer.json()) == 20
        system.kill("web")
        seen.append(f"look-{number}")
        system.start("web")
    export = requests.get(
        f"{system.url}/ml/v1/history/export/", headers={"X-Request-ID": "cut"}, stream=True, timeout=60
    )
    next(export.iter_content(1))
    export.close()

    def looks() -> list[dict[str, str]]:
        lines = system.manage("access_log", "--patient", PATIENT, "--since", "2020-01-01", "--format", "ndjson")
        return [json.loads(line) for line in lines.splitlines()]

    until(lambda: {*seen, "cut"} <= {each["request_id"] for each in looks()}, what="all looks in the access log")
    assert {each["purpose"] for each in looks() if each["request_id"] in seen} == {"treatment"}
    ends = until(lambda: [each for each in all_entries(system) if each["action"] == "inference.export-end"])
    assert ends[0]["request_id"] == "cut"
    assert "all in place and unchanged" in system.manage("verify_log")


def all_entries(system: System) -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{system.url}/ml/v1/access-log/", timeout=60).json()
    return found
