"""Generated attacks on each wall alone, as `python -m tools.attack_sql` runs them, in a short form.

`HOSTILE_STATEMENTS` sets how many are generated for each database and wall.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from text_to_sql.guard import check, resolution
from tools.attack_sql import attack as module
from tools.attack_sql import targets
from tools.attack_sql.attack import Target, Wall, attack

COUNT = int(os.environ.get("HOSTILE_STATEMENTS", "1000"))
SEED = int(os.environ.get("HOSTILE_SEED", "1"))


@pytest.fixture
def sqlite_attacked(tmp_path: Path, settings: Settings) -> Iterator[Target]:
    settings.SQLITE_FOLDER = tmp_path
    with targets.sqlite_place(tmp_path) as place, targets.opened(place) as target:
        yield target


@pytest.fixture
def postgres_attacked(postgres: Postgres, settings: Settings) -> Iterator[Target]:
    settings.TEXT_TO_SQL_HOSTS = []
    with targets.postgres_place(postgres) as place, targets.opened(place) as target:
        yield target


@pytest.fixture
def mariadb_attacked(mariadb: MariaDB, settings: Settings) -> Iterator[Target]:
    settings.TEXT_TO_SQL_HOSTS = []
    with targets.mariadb_place(mariadb) as place, targets.opened(place) as target:
        yield target


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def attacked(request: pytest.FixtureRequest) -> Target:
    found: Target = request.getfixturevalue(f"{request.param}_attacked")
    return found


@pytest.mark.parametrize("alone", ["guard", "database"])
def test_nothing_gets_through_one_wall(attacked: Target, alone: Wall) -> None:
    outcome = attack(alone, attacked, COUNT, SEED)
    assert outcome.findings == []
    assert outcome.answered > COUNT / 20, "an attack that gets nowhere proves nothing"


def test_the_attack_reads_errors(postgres_attacked: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what keeps conditions behind a rule, PostgreSQL quotes a hidden value."""
    monkeypatch.setattr(resolution, "_fence", lambda *_: None)
    check.cache_clear()
    outcome = attack("guard", postgres_attacked, 200, SEED)
    check.cache_clear()
    assert "an error told what is hidden" in {why for why, _ in outcome.findings}


def test_the_attack_sees_what_gets_through(sqlite_attacked: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a guard that lets everything pass, it finds hidden rows and a changed database."""
    monkeypatch.setattr(module, "check", lambda statement, *_: SimpleNamespace(sql=statement))
    outcome = attack("guard", sqlite_attacked, 200, SEED)
    assert {why for why, _ in outcome.findings} >= {"it showed what is hidden", "the database changed"}
