"""All processes of a gateway count a caller's requests together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.model import ScriptedModel
from tests.support.system import System

pytestmark = pytest.mark.any_database
LIMIT, SENT = 40, 120


def test_a_limit_holds_over_several_processes(make_system: Callable[..., System], model: ScriptedModel) -> None:
    system = make_system(ml_server_url=model.url, GATEWAY_WORKERS="2", RATE_LIMITS=f"predict={LIMIT}/h")
    system.start("web")
    assert len(system.family("web")) >= 3  # granian's main process and two workers

    def predict(_: int) -> int:  # each on a connection of its own, so that both processes get some
        return system.predict({"doctor_name": "Dr. Kim", "patient_name": "Lee"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(predict, range(SENT)))
    assert set(statuses) == {200, 429}
    assert LIMIT <= statuses.count(200) <= LIMIT + 4  # requests at the same instant may count as one
    assert len(model.requests) == statuses.count(200)
