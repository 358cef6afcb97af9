"""`python -m tools.benchmarks.questions`: what the gateway adds to a question in SQL, and the guard's time.

A scripted model server answers at once, so all of the time that is measured is the gateway's and the database's. The
web process is the one of production, on loopback. It is published in docs/text-to-sql.md.
"""

import argparse
import gc
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing import Process, Queue, get_context
from pathlib import Path

import requests

from tests.support.llm_server import LLMServer, completes
from tests.support.model import Conversation
from tests.support.postgres import Postgres
from tests.support.system import System
from text_to_sql.guard import Catalogue, Table, check
from tools.benchmarks.results import percentile
from tools.exit_signals import exit_on_signals
from tools.launch.web import GARBAGE_THRESHOLDS

DIALECTS = ("sqlite", "postgres")
AT_ONCE = 50
SQL = "SELECT c.city, AVG(o.amount) AS average FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.city"
TABLES = '{"tables": ["customers", "orders"]}'
SDK = "/jiter/"  # a library that only the model's client loads
CHECKS = 200
_GUARDED = (
    "SELECT p.name AS person, COUNT(*) AS visits, SUM(v.fee) AS fees FROM people p JOIN visits v ON v.person_id = p.id "
    "WHERE v.clinic = 'north' AND v.fee BETWEEN 10 AND {} GROUP BY p.name HAVING SUM(v.fee) > 100"
)
_VISIBLE = (
    Table("people", ("id", "name")),
    Table("visits", ("id", "person_id", "clinic", "fee"), rule="clinic = 'north'"),
)


def guard_times(number: int) -> list[float]:
    """Milliseconds of processor time for `number` different statements of 2,000 bytes, sorted.

    Garbage is collected as in a web process.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    catalogue, found = Catalogue("postgres", "public", _VISIBLE), []
    for each in range(number):
        sql = " UNION ALL ".join(_GUARDED.format(each * 10 + part) for part in range(9)).ljust(2000)
        started = time.thread_time()
        check(sql, catalogue, 100)
        found.append(1000 * (time.thread_time() - started))
    return sorted(found)


def serve_model(port: "Queue[int]") -> None:
    """Answers each agent at once, until the process ends."""

    def answer(conversation: Conversation) -> None:
        chooses = b"You choose the tables" in conversation.body
        completes(TABLES if chooses else SQL)(conversation)

    server = LLMServer()
    server.say(answer)
    port.put(int(server.url.rpartition(":")[2]))


@contextmanager
def model() -> Iterator[str]:
    """The URL of the scripted server, in a process of its own."""
    context = get_context("spawn")
    port: Queue[int] = context.Queue()
    process: Process = context.Process(target=serve_model, args=(port,), daemon=True)  # type: ignore[assignment]
    process.start()
    yield f"http://127.0.0.1:{port.get(timeout=60)}/v1"
    process.kill()


@contextmanager
def asked_gateway(folder: Path, llm: str, server: Postgres, dialect: str) -> Iterator[tuple[System, str]]:
    """A gateway with the test databases in this dialect, and the path by which one of them is asked."""
    host = re.sub(r".*host=([^&]*).*", r"\1", server.url)
    system = System(
        folder, database_url=server.make_database(f"gateway_{dialect}"), LLM_BASE_URL=llm, LLM_MODEL="scripted",
        TEXT_TO_SQL_HOSTS=host, QUEUE_SECONDS="60",
    )  # fmt: skip
    system.manage("migrate", "--verbosity", "0")
    target = ["--url", server.url] if dialect == "postgres" else []
    system.manage("generate_test_databases", "--until", "2026-11-30", "--register", *target)
    try:
        system.start("web")
        found = requests.get(f"{system.url}/ddp/db", timeout=60).json()
        shop = next(each["id"] for each in found if each["eng_name"] == "test_ecommerce")
        yield system, f"{system.url}/llm/generate-sql/db/{shop}"
    finally:
        system.stop()


def ask(session: requests.Session, path: str, number: int) -> float:
    """Milliseconds until a new question was answered with the model's SQL."""
    started = time.perf_counter()
    answer = session.post(path, json={"question": f"도시별 평균 주문 금액은? ({number})"}, timeout=120)
    elapsed = 1000 * (time.perf_counter() - started)
    if answer.status_code != 200 or answer.json()["sql"] != SQL:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
    return elapsed


def has_sdk(system: System) -> bool:
    """Whether any web process has loaded the model's client."""
    maps = (Path(f"/proc/{process.pid}/maps") for process in system.family("web"))
    return any(SDK in each.read_text() for each in maps)


def processor_seconds(system: System) -> float:
    """Processor time of the web processes so far."""
    return sum(times.user + times.system for times in (each.cpu_times() for each in system.family("web")))


def measure(system: System, path: str, questions: int) -> dict[str, object]:
    """Figures in milliseconds: the first question, then one at a time, then many at once."""
    had_sdk = has_sdk(system)
    with requests.Session() as session:
        first = ask(session, path, 0)
        warm = [ask(session, path, number) for number in range(1, 21)]
        used = processor_seconds(system)
        one = sorted(ask(session, path, len(warm) + number) for number in range(questions))
        used = processor_seconds(system) - used
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = sorted(pool.map(partial(_alone, path), range(10_000, 10_000 + AT_ONCE)))
    return {
        "SDK before the first question": had_sdk, "SDK after it": has_sdk(system), "first": round(first),
        **_spread("one at a time", one), "processor time of each": round(1000 * used / questions, 1),
        **_spread(f"{AT_ONCE} at once", together),
        "all of these": round(1000 * (time.perf_counter() - started)),
    }  # fmt: skip


def _alone(path: str, number: int) -> float:
    with requests.Session() as session:
        return ask(session, path, number)


def _spread(name: str, found: list[float]) -> dict[str, object]:
    return {f"{name}, p{share}": round(percentile(found, share / 100), 1) for share in (50, 95)}


def main() -> None:
    """Prints the figures as JSON, a line for the guard and one for each database."""
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks.questions", description=__doc__)
    parser.add_argument("--questions", type=int, default=200, help="asked one at a time (200)")
    parser.add_argument("--dialects", nargs="+", choices=DIALECTS, default=DIALECTS)
    options = parser.parse_args()
    _show({"guard, processor time": _spread("2,000 bytes", guard_times(CHECKS)), "load average": os.getloadavg()[0]})
    with tempfile.TemporaryDirectory(prefix="questions-") as name, model() as llm:
        folder = Path(name)
        with closing(Postgres(folder / "postgres")) as server:
            for dialect in options.dialects:
                state = folder / f"gateway-{dialect}"
                state.mkdir()
                with asked_gateway(state, llm, server, dialect) as (system, path):
                    _show({"database": dialect, **measure(system, path, options.questions)})


def _show(figures: object) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    exit_on_signals()
    main()
