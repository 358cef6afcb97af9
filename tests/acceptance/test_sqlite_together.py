"""Two gateway processes and a worker write to one database while clients read it. On SQLite, locks would show here."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until

CLIENTS, CALLS = 8, 40  # 320 predictions, and a history request for every fourth
EVERY = 4


def test_it_writes_and_reads_together_without_a_locked_database(
    make_system: Callable[..., System], model: ScriptedModel
) -> None:
    system = make_system(ml_server_url=model.url, GATEWAY_WORKERS="2")
    system.start("redis", "worker-logs", "publisher", "web")
    answered: list[str] = []
    lock = threading.Lock()

    def client(number: int) -> None:
        for call in range(CALLS):
            body = {"doctor_name": f"Dr. {number}", "patient_name": "Lee", "call": call}
            keyed = {"Idempotency_Key": f"{number}-{call}"} if call % 2 else {}
            response = system.predict(body, **keyed)
            assert response.status_code == 200, response.text
            with lock:
                answered.append(response.headers["X-Inference-ID"])
            if call % EVERY == 0:
                page = system.history(doctor=f"Dr. {number}", limit="5")
                assert page.status_code == 200, page.text
            if call % 10 == 9:
                again = system.predict(body, **keyed)
                assert again.headers["X-Inference-ID"] == response.headers["X-Inference-ID"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(client, number) for number in range(CLIENTS)]:
            done.result()
    assert len(set(answered)) == len(answered) == CLIENTS * CALLS

    def written() -> Counter[str]:
        page = system.history(limit="1000")
        assert page.status_code == 200, page.text
        return Counter(row["id"] for row in json.loads(page.text))

    until(lambda: set(answered) <= set(written()), what="every answer's row")
    assert written() == Counter(answered)
    origins = {path.name.partition("-")[0] for path in (system.folder / "journal").glob("*.segment")}
    assert len(origins) == 2, "both gateway processes take part"
    for name in ("web", "publisher", "worker-logs"):
        assert "locked" not in system.log_of(name).lower()
        assert "Traceback" not in system.log_of(name)
