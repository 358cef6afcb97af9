"""An export from a real server: slow readers, readers that disconnect, and a database that fails meanwhile."""

import json
from collections.abc import Callable

import pytest
import requests

from tests.support.system import System
from tests.support.wait import until

ROWS = 60  # of a MiB each: more than socket buffers and the server's queue hold
MAKE_ROWS = (
    "from tests.support.inference_rows import insert_row\n"
    f"for number in range({ROWS}): insert_row(input_data='\"' + 'x' * 2**20 + '\"', request_id=str(number))"
)
TABLE = "ml_proxy_inferencelog"


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System]) -> System:
    """A gateway with two threads and a large log."""
    made = make_shared_system(GATEWAY_THREADS="2")
    made.manage("shell", "-v0", "-c", MAKE_ROWS)
    made.start("web")
    return made


def start_export(system: System) -> requests.Response:
    return requests.get(f"{system.url}/ml/v1/history/export/", stream=True, timeout=60)


def test_an_incomplete_file_is_not_valid(system: System) -> None:
    response = start_export(system)
    assert response.status_code == 200
    system.sql(f"ALTER TABLE {TABLE} RENAME TO away")
    try:
        lines = response.content.split(b"\n")
    except requests.RequestException:  # the correct behaviour; granian 2.8 ends the answer as if it were complete
        lines = [b""]
    assert 1 < len(lines) < ROWS
    assert json.loads(lines[0])["request_id"] == str(ROWS - 1)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(lines[-1])
    system.sql(f"ALTER TABLE away RENAME TO {TABLE}")
    assert len(start_export(system).content.splitlines()) == ROWS
    until(lambda: "an export was aborted" in system.log_of("web"))
    assert "away" not in system.log_of("web")


def test_a_slow_reader_holds_one_thread_and_little_memory(system: System) -> None:
    web = max(system.family("web"), key=lambda process: process.memory_info().rss)
    before = web.memory_info().rss
    with start_export(system) as response:
        next(response.iter_content(1))
        for _ in range(20):
            assert requests.get(f"{system.url}/healthz", timeout=60).ok
        assert web.memory_info().rss - before < ROWS / 2 * 2**20


def test_a_disconnected_reader_releases_its_thread(system: System) -> None:
    for _ in range(4):  # of two threads
        with start_export(system) as response:
            next(response.iter_content(1))
    assert requests.get(f"{system.url}/healthz", timeout=60).ok
    assert len(start_export(system).content.splitlines()) == ROWS
