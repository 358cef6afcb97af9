"""Many questions at once, to a model that takes its time: all are answered, and so is everybody else."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.llm_server import LLMServer, completes
from tests.support.model import Conversation
from tests.support.system import System

AT_ONCE = 50
SQL = "SELECT COUNT(*) AS n FROM orders"


def registered(system: System, folder: Path) -> int:
    """A small shop, with its tables taken in."""
    with sqlite3.connect(folder / "shop.sqlite3") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT, amount INTEGER)")
    connection.close()
    info = json.dumps({"engine": "sqlite", "db": "shop.sqlite3"})
    database = requests.post(
        f"{system.url}/ddp/db", json={"kor_name": "가게", "connection_info": info}, timeout=60
    ).json()
    path = f"{system.url}/ddp/db/{database['id']}"
    tables = requests.post(f"{path}/extract/table", timeout=60).json()
    assert requests.post(f"{path}/table", json=tables, timeout=60).status_code == 201
    return int(database["id"])


@pytest.fixture
def llm() -> Iterator[LLMServer]:
    server = LLMServer()
    yield server
    server.close()


def test_fifty_questions_at_once(make_system: Callable[..., System], tmp_path: Path, llm: LLMServer) -> None:
    folder = tmp_path / "databases"
    folder.mkdir()
    system = make_system(LLM_BASE_URL=f"{llm.url}/v1", LLM_MODEL="m", SQLITE_FOLDER=str(folder), QUEUE_SECONDS="60")

    def answers_late(conversation: Conversation) -> None:
        llm.gone.wait(0.3)
        completes(SQL)(conversation)

    llm.say(answers_late)
    system.start("web")
    database = registered(system, folder)

    def ask(number: int) -> int:
        body = {"question": f"주문 {number}?"}
        return requests.post(f"{system.url}/llm/generate-sql/db/{database}", json=body, timeout=120).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(ask, number) for number in range(AT_ONCE)]
        started = time.monotonic()
        others = [
            requests.get(f"{system.url}/healthz", timeout=60).status_code,
            requests.post(f"{system.url}/llm/execute-sql/db/{database}/s", json={"query": SQL}, timeout=60).status_code,
        ]
        assert any(not each.done() for each in asked)
        assert (others, time.monotonic() - started < 30) == ([200, 200], True)
        assert {each.result() for each in asked} == {200}
