"""Logs as JSON: what a line contains, and what it never contains. `test_tracing` reads those of a running system."""

import logging
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

import worker.app
from common import logs
from common.logs import ExceptionsOnlyFilter, JSONFormatter, RequestIDFilter, SafeFormatter, StderrHandler
from common.periodic_logs import PeriodicTaskFilter
from ml_server.logs import JSONFormatter as ModelServersFormatter
from ml_server.settings import read_settings
from tests.support.log_lines import REQUIRED, parse_log
from tests.support.system import ROOT

pytestmark = pytest.mark.any_database

MARK = "MARKER"


def formatted(formatter: logging.Formatter, message: str = "x", **members: Any) -> dict[str, Any]:
    exc_info = members.pop("exc_info", None)
    record = logging.LogRecord("a.logger", logging.ERROR, __file__, 1, message, (), exc_info)
    record.__dict__.update(members)
    RequestIDFilter().filter(record)
    [line] = parse_log(formatter.format(record))
    return line


def test_it_logs_the_traceback_and_class_of_an_exception() -> None:
    for formatter in (JSONFormatter(), ModelServersFormatter()):
        try:
            raise ValueError(MARK)
        except ValueError:
            line = formatted(formatter, exc_info=sys.exc_info())
        assert line["exception"].endswith("builtins.ValueError")
        assert "test_logging.py" in line["exception"]
        assert MARK not in line["exception"]


def test_it_omits_attributes_that_libraries_add_to_a_record() -> None:
    for formatter in (JSONFormatter(), ModelServersFormatter()):
        line = formatted(formatter, data={"args": MARK}, sargs=MARK, status=200, duration_ms=1.5)
        assert set(line) == REQUIRED | {"status", "duration_ms"}


def test_it_escapes_text_that_is_not_valid_utf_8() -> None:
    assert formatted(JSONFormatter(), "a file's name \udcff")["message"] == "a file's name \udcff"


def test_it_does_not_log_the_model_servers_reason_phrase() -> None:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "%s: %s", (MARK, "/ml/v1/predict/"), None)
    assert not ExceptionsOnlyFilter().filter(record)
    record.exc_info = (ValueError, ValueError(), None)
    assert ExceptionsOnlyFilter().filter(record)


@pytest.mark.parametrize("args", [({"name": "jobs.sweep", "id": "1"},), ("sweep-jobs", "jobs.sweep")])
def test_it_says_nothing_of_periodic_tasks_but_their_failures(args: tuple[Any, ...]) -> None:
    for level, task, is_kept in (("INFO", "", False), ("ERROR", "", True), ("INFO", "recording.write_records", True)):
        renamed = tuple({**arg, "name": task or arg["name"]} if isinstance(arg, dict) else task or arg for arg in args)
        line = "%(name)s" if isinstance(args[0], dict) else "%s (%s)"
        record = logging.LogRecord("celery.beat", logging.getLevelName(level), __file__, 1, line, renamed, None)
        assert PeriodicTaskFilter().filter(record) is is_kept


def test_it_logs_probes_only_if_they_fail(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert client.get("/healthz").status_code == 200
        assert client.get("/healthz/x").status_code == 404
    assert [record.args[1] for record in caplog.records if isinstance(record.args, tuple)] == ["/healthz/x"]


def test_log_lines_of_a_task_have_its_ids_until_its_end() -> None:
    logs.about(request_id="r-1", batch="1 records")
    line = formatted(JSONFormatter())
    worker.app.clear_log_context()
    assert (line["request_id"], line["batch"]) == ("r-1", "1 records")
    after = formatted(JSONFormatter())
    assert after["request_id"] == "-"
    assert "batch" not in after


def test_an_unexpected_exception_leaves_a_task_without_its_text() -> None:
    app = worker.app.make_app("test")

    class Foreseen(Exception):
        """A declared exception."""

    @app.task(throws=(Foreseen,))
    def fail(kind: type[Exception]) -> None:
        raise kind(MARK)

    with pytest.raises(worker.app.UnexpectedError) as caught:
        fail(KeyError)
    assert str(caught.value) == "KeyError"
    assert caught.value.__suppress_context__
    with pytest.raises(Foreseen):
        fail(Foreseen)


BREAKS = """
import logging, sys, threading, warnings
{start}
logging.getLogger("x").error("%d", "{mark}")
warnings.warn("careful")
thread = threading.Thread(target=lambda: int("{mark}"))
thread.start()
thread.join()
class Late:
    def __del__(self):
        raise ValueError("{mark}")
Late()
int("{mark}")
"""
STARTS = {
    "gateway": "import django; django.setup()",
    "model server": "from ml_server.logs import log_to_stderr; log_to_stderr('INFO', 'json')",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_warnings_and_tracebacks_of_python_are_json_without_quotes(start: str) -> None:
    command = python_command(BREAKS.format(start=start, mark=MARK))
    done = subprocess.run(command, cwd=ROOT, env=bare(LOG_FORMAT="json"), check=False, capture_output=True, text=True)
    found = parse_log(done.stderr)
    assert MARK not in done.stderr
    assert [line["message"].split(":")[-1].split("\n")[0].strip() for line in found] == [
        "careful",
        *["uncaught ValueError"] * 3,
    ]
    assert done.stdout == ""
    assert done.returncode == 1


def python_command(text: str) -> list[str]:
    """The command of a Python process that runs `text` without source lines for tracebacks."""
    return [sys.executable, "-c", f"exec({text!r})"]


def bare(**variables: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "VAR_DIR", "DJANGO_SETTINGS_MODULE")}
    return {**kept, "DEBUG": "1", **variables}


@pytest.mark.parametrize(("debug", "expected"), [("1", "line"), ("0", "json")])
def test_the_default_is_text_under_debug_and_json_otherwise(debug: str, expected: str) -> None:
    secrets = {"SECRET_KEY": "s" * 32, "SEAL_KEY": "k" * 32, "ALLOWED_HOSTS": "clinic.example"}
    code = [sys.executable, "-c", "from django.conf import settings; print(settings.LOG_FORMAT)"]
    environment = bare(LOG_FORMAT="", **secrets) | {"DEBUG": debug}
    done = subprocess.run(code, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == expected
    variables = {"VAR_DIR": os.environ["VAR_DIR"], "LOG_FORMAT": ""}
    assert read_settings({**variables, "DEBUG": debug}).log_format == expected
    assert read_settings({**variables, "LOG_FORMAT": "json", "DEBUG": debug}).log_format == "json"


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["line", "json"])
def test_each_exchange_has_an_access_line(
    form: str, gateway: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = StderrHandler()
    handler.addFilter(RequestIDFilter())
    handler.setFormatter(JSONFormatter() if form == "json" else SafeFormatter(settings.LOG_LINE))
    log = logging.getLogger("ml_proxy.access")
    monkeypatch.setattr(log, "handlers", [handler])
    monkeypatch.setattr(log, "propagate", False)
    assert gateway.get("/ml/v1/history/", headers={"X-Request-ID": "visit-7"}).status_code == 200
    shown = capfd.readouterr().err
    if form == "json":
        [line] = parse_log(shown)
        assert set(line) == REQUIRED | {"method", "path", "status", "duration_ms"}
        assert (line["logger"], line["level"], line["request_id"]) == ("ml_proxy.access", "INFO", "visit-7")
        assert (line["method"], line["path"], line["status"]) == ("GET", "/ml/v1/history/", 200)
        assert line["message"] == f"GET /ml/v1/history/ 200 {line['duration_ms']:.1f} ms"
    else:
        assert re.fullmatch(
            r"[0-9-]{10} [0-9:]{8},\d{3} INFO ml_proxy\.access \[visit-7\] GET /ml/v1/history/ 200 [\d.]+ ms\n", shown
        )
    log.setLevel(logging.WARNING)
    gateway.get("/ml/v1/history/")
    log.setLevel(logging.NOTSET)
    assert capfd.readouterr().err == ""


def test_timestamps_are_the_time_of_the_event() -> None:
    line = formatted(JSONFormatter())
    assert abs(datetime.fromisoformat(line["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_lines_of_many_threads_are_not_mixed(capfd: pytest.CaptureFixture[str]) -> None:
    handler = StderrHandler()
    lines = [f"{number} {'x' * 3000} \ud800" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda line: handler.handle(logging.makeLogRecord({"msg": line})), lines))
    shown = capfd.readouterr().err.replace("\\ud800", "\ud800").splitlines()
    assert sorted(shown) == sorted(lines)
