"""The variants: errors that would silently make their figures wrong."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.model import ScriptedModel
from tests.support.system import System
from tools.benchmarks.environments import Environment, NotInstalled
from tools.benchmarks.payload import BODY
from tools.benchmarks.row_counter import RowCounter


@pytest.mark.any_database
def test_the_log_is_off_in_the_variant_without_log(make_system: Callable[..., System], model: ScriptedModel) -> None:
    settings = "tools.benchmarks.peers.no_log.settings"
    system = make_system(ml_server_url=model.url, DJANGO_SETTINGS_MODULE=settings)
    system.start("web")
    answer = system.predict(BODY)
    assert answer.status_code == 200
    assert answer.headers["X-Inference-ID"]
    assert len(model.requests) == 1
    assert not list((system.folder / "journal").glob("*.segment"))


def test_a_failed_installation_gives_the_reason(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="no-such-file"):
        Environment("x", (str(tmp_path / "no-such-file.whl"),)).ensure(tmp_path)


def test_rows_that_come_after_the_known_ones_are_counted(database_url: str) -> None:
    if not database_url:
        pytest.skip("the benchmarks count on PostgreSQL")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE counted (id bigserial PRIMARY KEY)")
        rows = RowCounter(database_url, "counted")
        counts = []
        for _ in range(3):
            connection.execute("INSERT INTO counted DEFAULT VALUES")
            counts.append(rows.count())
            rows.settle()
            counts.append(rows.count())
        connection.execute("DELETE FROM counted WHERE id = 1")
        assert counts == [1, 1, 2, 2, 3, 3]
        assert rows.count() == 3
        assert rows.count_all() == 2
        rows.close()
