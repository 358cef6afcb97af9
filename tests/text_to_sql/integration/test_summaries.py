"""`summarize=true`: the model's summary if its numbers are in the data, else a plain sentence."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from tests.support import llm_server
from tests.support.llm_server import LLMServer
from tests.support.model import Script
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.models import Database, QuestionSession
from text_to_sql.records import LLMRecord

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SUM = "SELECT SUM(fee) AS fees FROM visits"


@pytest.fixture
def clinic(api: Api, sqlite_target: Target, settings: Settings) -> int:
    return api.register(sqlite_target.owner)


def summary(api: Api, clinic: int, question: str, sql: str = SUM) -> str | None:
    session = QuestionSession.objects.create(database=Database.objects.get(pk=clinic), question=question, sql=sql)
    status, answer = api.call("post", f"/llm/execute-sql/db/{clinic}/{session.pk}?summarize=true")
    assert status == 200
    found: str | None = answer["summary"]
    return found


def test_without_a_model_it_is_a_plain_sentence(api: Api, clinic: int) -> None:
    assert summary(api, clinic, "진료비 합계는?") == "결과는 1행입니다. fees: 30.5"
    assert summary(api, clinic, "The fees?") == "The result has 1 row. fees: 30.5"
    assert summary(api, clinic, "All?", "SELECT id FROM visits") == "The result has 2 rows."
    assert summary(api, clinic, "None?", "SELECT id FROM visits WHERE id = 9") == "The result has 0 rows."
    assert summary(api, clinic, "Who?", "SELECT name FROM people WHERE id = 1") == "The result has 1 row. name: 김민준"


def test_more_rows_than_were_read_are_named(api: Api, clinic: int, settings: Settings) -> None:
    settings.QUERY_MAX_ROWS = 1
    assert summary(api, clinic, "All?", "SELECT id FROM visits") == "The result has at least 1 row. id: 1"


def test_nobody_asked_for_one(api: Api, clinic: int, llm: LLMServer) -> None:
    _, answer = api.call("post", f"/llm/execute-sql/db/{clinic}/s", {"query": SUM})
    assert (answer["summary"], llm.requests) == (None, [])


def test_the_model_summarizes(
    api: Api, clinic: int, llm: LLMServer, llm_records: Callable[[], list[LLMRecord]]
) -> None:
    llm.say('{"summary": "진료비는 모두 30.5입니다."}')
    assert summary(api, clinic, "진료비 합계는?") == "진료비는 모두 30.5입니다."
    assert llm.agents() == ["result_summarizer"]
    assert "진료비 합계는?" in llm.prompt()
    assert '{"fees":30.5}' in llm.prompt()
    (record,) = llm_records()
    assert record.session_id == str(QuestionSession.objects.get().pk)


def test_a_number_that_is_not_in_the_data_is_asked_for_once_more(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say('{"summary": "The fees are 31."}', '{"summary": "The fees are 30.5."}')
    assert summary(api, clinic, "fees?", SUM) == "The fees are 30.5."
    assert "31" in llm.asked()[-1]["messages"][-1]["content"]


def test_a_wrong_number_twice_is_dropped(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say('{"summary": "The fees are 4711."}')
    assert summary(api, clinic, "fees?") == "The result has 1 row. fees: 30.5"
    assert len(llm.requests) == 2


@pytest.mark.parametrize("turn", [llm_server.resets, llm_server.completes("no"), llm_server.fails("401 Unauthorized")])
def test_a_model_in_trouble_costs_no_rows(
    api: Api, clinic: int, llm: LLMServer, settings: Settings, turn: Script
) -> None:
    settings.LLM_RETRIES = 0
    llm.say(turn)
    assert summary(api, clinic, "fees?") == "The result has 1 row. fees: 30.5"


def test_no_rows_go_to_a_model_that_may_not_see_values(
    api: Api, clinic: int, llm: LLMServer, settings: Settings
) -> None:
    settings.LLM_SHOW_VALUES = False
    assert summary(api, clinic, "fees?") == "The result has 1 row. fees: 30.5"
    assert llm.requests == []


def test_only_the_first_rows_are_sent(api: Api, sqlite_target: Target, llm: LLMServer) -> None:
    sqlite_target.run("CREATE TABLE many (n INTEGER)")
    sqlite_target.run(
        "WITH RECURSIVE c(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM c WHERE i < 1099) "
        "INSERT INTO many SELECT i FROM c"
    )
    database = api.register(sqlite_target.owner)
    llm.say('{"summary": "There are 100 numbers."}')
    assert summary(api, database, "n?", "SELECT n FROM many ORDER BY n") == "There are 100 numbers."
    assert "100 rows, the first 50 of them:" in llm.prompt()
    assert ("1049" in llm.prompt(), "1050" in llm.prompt()) == (True, False)
