"""Telemetry of a running system: traces from browser to row in an OpenTelemetry collector, and logs as JSON.

And no trace at all where there is no collector.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from common import tracing
from common.ids import uuid7
from ml_proxy.records import InferenceRecord
from ml_server import tracing as tracing_there
from recording.batches import Batch
from recording.journal import Entry
from recording.records import traceparent_of
from recording.seals import keyring
from tests.support.log_lines import parse_log
from tests.support.model import ScriptedModel
from tests.support.record_pipeline import record
from tests.support.settings_process import run_with_settings
from tests.support.system import ROOT, System
from tests.support.trace_collector import Collector, Span
from tests.support.wait import until

pytestmark = pytest.mark.any_database  # rows are the same on every database

MARK = "MARKER"
PARENT = "00f067aa0ba902b7"
GATEWAY, WORKER, MODEL = "ml-proxy-gateway", "ml-proxy-worker-logs", "ml-proxy-model-server"
SERVED, CALLED = (GATEWAY, "POST /ml/v1/predict/"), (GATEWAY, "POST /api/v1/predict")
ANSWERED = (MODEL, "POST /api/v1/predict")
APPENDED, WRITTEN = (GATEWAY, "append to journal"), (WORKER, "write row")
PROCESSES = ("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs")
SLOW = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}  # milliseconds; spans are exported only at the end


def traceparent(trace_id: str, flags: str = "01") -> str:
    return f"00-{trace_id}-{PARENT}-{flags}"


class Traced:
    """Gateway, model server and workers, and their collector."""

    def __init__(self, make_system: Callable[..., System]) -> None:
        self.collector = Collector()
        exporter = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        self.system = make_system(LOG_FORMAT="json", OTEL_TRACES_SAMPLER=" ", **exporter)
        self.system.start(*PROCESSES)
        self._example: dict[str, Any] = until(self._ask_for_example, what="the model server")

    def _ask_for_example(self) -> dict[str, Any]:
        answer = requests.get(f"{self.system.url}/ml/v1/model-info/", timeout=60)
        example: dict[str, Any] = answer.json()["models"][0]["example"]
        return example

    def predict(
        self, trace_id: str, *, flags: str = "01", query: str = "", request_id: str = "request-77"
    ) -> requests.Response:
        """Sends a prediction as part of a trace."""
        response = requests.post(
            f"{self.system.url}/ml/v1/predict/{query}",
            json={**self._example, "doctor_name": f"Dr. {MARK}", "patient_name": MARK},
            headers={"traceparent": traceparent(trace_id, flags), "X-Request-ID": request_id},
            timeout=60,
        )
        assert response.ok, response.text
        return response

    def retrain(self, *, trace_id: str = "", request_id: str = "request-78") -> str:
        """Runs a job as part of a trace; returns its end."""
        url = f"{self.system.url}/ml/v1/retrain/jobs/"
        fields = {"traceparent": traceparent(trace_id or uuid4().hex), "X-Request-ID": request_id}
        made = requests.post(url, json={"params": {"epochs": 1}}, headers=fields, timeout=60)
        assert made.status_code == 202, made.text

        def ended() -> str:
            state: str = requests.get(f"{url}{made.json()['id']}/", timeout=60).json()["state"]
            return "" if state in {"queued", "running"} else state

        return until(ended, what="the job")

    def spans(self, trace_id: str, *wanted: tuple[str, str]) -> list[Span]:
        """The spans by service and name, as soon as all have arrived."""

        def found() -> list[Span]:
            by_name = {(span.service, span.name): span for span in self.collector.of(trace_id)}
            return [by_name[name] for name in wanted]

        return until(found, what=f"{wanted} of {trace_id}")

    def restart(self, *names: str, **settings: str) -> None:
        """Restarts these processes with other settings."""
        common = self.system.environment
        self.system.environment = common | settings
        for name in names:
            if name in self.system.processes:
                self.system.kill(name)
        self.system.start(*names)
        self.system.environment = common

    def close(self) -> None:
        self.system.stop()
        self.collector.close()


@pytest.fixture(scope="module")
def traced(make_shared_system: Callable[..., System]) -> Iterator[Traced]:
    made = Traced(make_shared_system)
    yield made
    made.close()


def test_it_is_one_trace_from_the_caller_to_the_model_and_to_the_row(traced: Traced) -> None:
    trace_id = uuid4().hex
    response = traced.predict(trace_id)
    served, called, answered, appended, written = traced.spans(trace_id, SERVED, CALLED, ANSWERED, APPENDED, WRITTEN)
    assert served.parent_id == PARENT
    assert {called.parent_id, appended.parent_id} == {served.span_id}
    assert answered.parent_id == called.span_id
    assert written.parent_id == appended.span_id
    assert written.links <= {span.span_id for span in traced.collector.named("write batch")}
    assert written.links
    assert served.attributes == {
        "http.request.method": "POST",
        "http.route": "/ml/v1/predict/",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "ml_proxy.request_id": "request-77",
        "ml_proxy.inference_id": response.headers["X-Inference-ID"],
    }
    assert answered.attributes["ml_proxy.request_id"] == "request-77"
    assert not any(span.is_error for span in traced.collector.of(trace_id))


def test_its_logs_are_json_with_the_request_id_from_gateway_to_model_server(traced: Traced) -> None:
    traced.predict(uuid4().hex, request_id="prediction-1")
    assert traced.retrain(request_id="retrain-1") == "succeeded"
    until(lambda: "succeeded in" in traced.system.log_of("worker-logs"), what="the worker's last line")
    logs = {name: parse_log(traced.system.log_of(name)) for name in PROCESSES if name != "redis"}
    [asked] = [line for line in logs["web"] if line["request_id"] == "prediction-1"]
    assert (asked["method"], asked["path"], asked["status"]) == ("POST", "/ml/v1/predict/", 200)
    assert 0 < asked["duration_ms"] < 60_000
    told = {line["request_id"]: line for line in logs["ml_server"] if "path" in line}
    assert (told["prediction-1"]["path"], told["prediction-1"]["status"]) == ("/api/v1/predict", 200)
    assert told["retrain-1"]["path"] == "/api/v1/retrain"
    assert isinstance(told["retrain-1"]["duration_ms"], float)
    written = [line["batch"] for line in logs["worker-logs"] if "succeeded in" in line["message"]]
    assert re.fullmatch(r"1 records, 1-1 of [0-9a-f-]{36}", written[0])


def test_it_is_one_trace_from_a_jobs_caller_to_the_model(traced: Traced) -> None:
    trace_id = uuid4().hex
    traced.retrain(trace_id=trace_id)
    made, ran, trained = traced.spans(
        trace_id,
        (GATEWAY, "POST /ml/v1/retrain/jobs/"),
        ("ml-proxy-worker-jobs", "run jobs.run"),
        (MODEL, "POST /api/v1/retrain"),
    )
    assert ran.parent_id == made.span_id
    assert trained.parent_id in {span.span_id for span in traced.collector.of(trace_id)} - {made.span_id}


def test_it_exports_no_names_and_no_query_strings(traced: Traced) -> None:
    trace_id = uuid4().hex
    traced.predict(trace_id, query=f"?patient={MARK}")
    traced.system.history(patient=MARK)
    traced.spans(trace_id, SERVED, CALLED, ANSWERED, WRITTEN)
    until(lambda: traced.collector.named("GET /ml/v1/history/"), what="the history's span")
    assert not any(MARK.encode() in body for body in traced.collector.raw)


def test_it_changes_nothing_that_is_sealed(traced: Traced) -> None:
    trace_id = uuid4().hex
    traced.predict(trace_id)
    traced.spans(trace_id, WRITTEN)
    assert "all in place and unchanged" in traced.system.manage("verify_log")


def test_it_exports_nothing_that_the_caller_does_not_sample(traced: Traced) -> None:
    unsampled, sampled = uuid4().hex, uuid4().hex
    inference_id = traced.predict(unsampled, flags="00").headers["X-Inference-ID"]
    until(lambda: inference_id in {row["id"] for row in traced.system.history().json()}, what="its row")
    traced.predict(sampled)
    traced.spans(sampled, SERVED, ANSWERED, WRITTEN)
    assert traced.collector.of(unsampled) == []


def test_it_exports_remaining_spans_when_it_stops_and_only_the_class_of_a_failure(traced: Traced) -> None:
    traced.restart("web", "worker-logs", **SLOW)
    trace_id, failed = uuid4().hex, uuid4().hex
    inference_id = traced.predict(trace_id).headers["X-Inference-ID"]
    until(lambda: inference_id in {row["id"] for row in traced.system.history().json()}, what="its row")
    traced.system.kill("ml_server")
    body = {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
    assert traced.system.predict(body, traceparent=traceparent(failed)).status_code == 502
    assert {span.service for span in traced.collector.of(trace_id)} <= {MODEL}
    for name in ("web", "worker-logs"):
        traced.system.kill(name, signal.SIGTERM)
    traced.spans(trace_id, SERVED, CALLED, APPENDED, WRITTEN)
    served, called = traced.spans(failed, SERVED, CALLED)
    assert (called.attributes["error.type"], called.is_error) == ("UpstreamUnreachable", True)
    assert (served.attributes["error.type"], served.is_error) == ("502", True)


ASK = """
import json, sys, time, django
django.setup()
from django.test import Client
import worker.jobs, worker.logs, backend.urls, ml_server.tracing
fields = {"HTTP_TRACEPARENT": sys.argv[1], "HTTP_TRACESTATE": "a=b", "SERVER_NAME": "localhost"}
body = json.dumps({"doctor_name": "Dr. Kim", "patient_name": "Lee"})
def ask():
    began = time.monotonic()
    assert Client().post("/ml/v1/predict/", body, "application/json", **fields).status_code == 200
    return time.monotonic() - began
longest = max([ask() for _ in range(20)][1:])
print(json.dumps([longest, "opentelemetry" in sys.modules]))
"""


def ask(model: ScriptedModel, folder: Path, given: str, **settings: str) -> tuple[float, bool]:
    """Predicts in a new process; the longest duration in seconds, and whether OpenTelemetry was loaded."""
    own = {"DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1", "VAR_DIR": str(folder)}
    environment = {"PATH": os.environ["PATH"], "ML_SERVER_URL": model.url, **own, **settings}
    command = [sys.executable, "-c", ASK, given]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=60)
    longest, is_loaded = json.loads(done.stdout.splitlines()[-1])
    return longest, is_loaded


def test_without_a_collector_it_loads_nothing_and_forwards_the_callers_context(
    model: ScriptedModel, tmp_path: Path
) -> None:
    given = traceparent(uuid4().hex)
    assert ask(model, tmp_path, given, OTEL_EXPORTER_OTLP_ENDPOINT=" ")[1] is False
    assert {asked.fields["traceparent"] for asked in model.requests} == {given}
    assert {asked.fields["tracestate"] for asked in model.requests} == {"a=b"}


def test_a_collector_that_never_responds_delays_no_request(model: ScriptedModel, tmp_path: Path) -> None:
    given = traceparent(uuid4().hex)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "1"}
        began = time.monotonic()
        longest, is_loaded = ask(model, tmp_path, given, **settings)
        assert is_loaded
        assert longest < 5  # an export waits for 10
        assert time.monotonic() - began < 25  # the SDK's own timeout is 30
    for asked in model.requests:
        assert asked.head.lower().count(b"traceparent:") == asked.head.lower().count(b"tracestate:") == 1
        assert asked.fields["traceparent"] != given
        assert asked.fields["traceparent"].split("-")[1] == given.split("-")[1]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_it_is_on_if_an_exporter_is_configured(variables: dict[str, str], expected: bool) -> None:
    assert tracing.is_configured(variables) is expected
    assert tracing_there.is_configured(variables) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
)
def test_an_error_names_the_unusable_variable(name: str, value: str, tmp_path: Path) -> None:
    done = run_with_settings(tmp_path, DEBUG="1", **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"ml-proxy: {name} can't be {value!r}: set it to ")
    assert done.stderr.count("\n") == 1


def test_the_trace_of_a_record_is_stored_beside_it_and_not_sealed() -> None:
    item, given = record(), traceparent(uuid4().hex)
    encoded = item.encode(given)
    assert traceparent_of(encoded) == given
    assert InferenceRecord.decode(encoded) == item == InferenceRecord.decode(item.encode())
    assert InferenceRecord.decode(encoded).content() == item.content()
    entry = Entry(1, b"d" * 32, b"s" * 32, encoded)
    [arrived] = Batch.from_message(Batch.of(uuid7(), "host", keyring().current.id, [entry]).as_message()).records
    assert traceparent_of(arrived.payload) == given


@pytest.mark.parametrize(
    "encoded",
    [
        record().encode(),
        record(input_data='{"source":"","traceparent":"' + "0" * 55 + '"}').encode(),
        b"",
        b"no record",
        b'{"source":"x","traceparent":"short"}',
    ],
)
def test_a_record_without_a_trace_has_none(encoded: bytes) -> None:
    assert traceparent_of(encoded) == ""


def test_a_front_end_on_another_origin_may_send_its_trace(gateway: Client, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin := "https://clinic.example"]
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    response = gateway.options("/ml/v1/predict/", headers=asked)
    assert {"traceparent", "tracestate"} <= {
        word.strip() for word in response["Access-Control-Allow-Headers"].split(",")
    }
