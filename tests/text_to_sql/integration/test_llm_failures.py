"""A language model's server that is down, slow, or answers nonsense: a clear problem, and a record of each attempt."""

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db.models import Sum
from pytest_django import Settings

from tests.support import llm_server
from tests.support.llm_server import KEY, LLMServer, completes, fails, sends
from tests.support.model import Script
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.models import LLMLog
from text_to_sql.records import LLMRecord

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SQL = "SELECT id FROM visits"
Records = Callable[[], list[LLMRecord]]


@pytest.fixture
def clinic(api: Api, sqlite_target: Target, llm: LLMServer, settings: Settings) -> int:
    settings.LLM_RETRIES = 0
    return api.register(sqlite_target.owner)


@pytest.fixture
def impatient(clinic: int, settings: Settings) -> None:
    settings.LLM_SECONDS, settings.LLM_RETRIES = 0.7, 5


def ask(api: Api, database: int) -> tuple[int, str, str]:
    response = api.client.post(
        f"/llm/generate-sql/db/{database}", '{"question": "which visits?"}', content_type="application/json"
    )
    assert KEY not in f"{response.content!r} {response.headers}"
    kind = response.json().get("type", "").rpartition(":")[2]
    return response.status_code, kind, response.headers.get("Retry-After", "")


QUOTED_KEY = "Incorrect API key provided: $AUTHORIZATION"
CASES: dict[str, tuple[Script, tuple[int, str, str], str]] = {
    "resets": (llm_server.resets, (502, "language-model", ""), "failed"),
    "breaks off": (llm_server.breaks_off, (502, "language-model", ""), "failed"),
    "not HTTP": (lambda talk: talk.send(b"hello\r\n\r\n"), (502, "language-model", ""), "failed"),
    "error": (fails("500 Internal Server Error"), (503, "language-model-busy", "30"), "refused"),
    "busy": (
        fails("429 Too Many Requests", head="Retry-After: 7\r\n"), (503, "language-model-busy", "7"), "refused",
    ),
    "quota": (
        fails("429 Too Many Requests", code="insufficient_quota"), (503, "language-model-quota", "3600"), "refused",
    ),
    "wrong key": (fails("401 Unauthorized", QUOTED_KEY), (502, "language-model-refused", ""), "refused"),
    "forbidden": (fails("403 Forbidden", QUOTED_KEY), (502, "language-model-refused", ""), "refused"),
    "unknown model": (fails("404 Not Found", code="model_not_found"), (502, "language-model-refused", ""), "refused"),
    "redirect": (fails("302 Found", head="Location: /elsewhere\r\n"), (502, "language-model-refused", ""), "refused"),
    "HTML": (sends(b"<html>", "text/html"), (502, "language-model-unusable", ""), "unusable"),
    "not JSON": (sends(b'{"choices": ['), (502, "language-model-unusable", ""), "unusable"),
    "other JSON": (sends(b'{"choices": [7]}'), (502, "language-model-unusable", ""), "unusable"),
    "a list": (sends(b"[1]"), (502, "language-model-unusable", ""), "unusable"),
    "no choices": (sends(b'{"choices": null}'), (502, "language-model-unusable", ""), "unusable"),
    "bad numbers": (
        sends(b'{"choices": [{"message": {"content": 5}}], "usage": {"prompt_tokens": "x"}}'),
        (502, "language-model-unusable", ""), "unusable",
    ),
    "empty": (completes(None), (502, "language-model-unusable", ""), "unusable"),
    "cut off": (completes("SELECT", reason="length"), (502, "language-model-unusable", ""), "unusable"),
    "prose": (completes("I would count them."), (502, "language-model-unusable", ""), "unusable"),
    "compressed": (
        lambda talk: talk.answer(b"x", head=b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n"),
        (502, "language-model", ""), "failed",
    ),
    "too large": (sends(b" " * 2**21), (502, "language-model", ""), "failed"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("transport")
def test_its_trouble_is_a_problem_and_a_record(
    api: Api, clinic: int, llm: LLMServer, llm_records: Records, case: str
) -> None:
    turn, problem, outcome = CASES[case]
    llm.say(turn)
    assert ask(api, clinic) == problem
    (record,) = llm_records()[-1:]
    assert (record.outcome, bool(record.error), record.agent) == (outcome, True, "query_generator")
    assert KEY not in f"{record}"
    assert len(llm.requests) == len(llm_records())


def test_a_server_that_is_down(api: Api, clinic: int, llm: LLMServer, llm_records: Records, settings: Settings) -> None:
    settings.LLM_BASE_URL = "http://127.0.0.1:9/v1"
    assert ask(api, clinic) == (502, "language-model", "")
    assert [record.provider for record in llm_records()] == ["127.0.0.1:9"]


@pytest.mark.parametrize("how", ["stalls", "drips"])
@pytest.mark.usefixtures("impatient")
def test_one_deadline_covers_the_whole_question(
    api: Api, clinic: int, llm: LLMServer, llm_records: Records, how: str
) -> None:
    llm.say(fails("503 Service Unavailable", head="Retry-After: 0.1\r\n"), getattr(llm_server, how)(llm))
    started = time.monotonic()
    assert ask(api, clinic) == (504, "language-model-timeout", "")
    assert time.monotonic() - started < 10
    assert [record.outcome for record in llm_records()] == ["refused", "timed-out"]


def test_it_tries_again_after_the_time_that_the_server_says(
    api: Api, clinic: int, llm: LLMServer, llm_records: Records, settings: Settings
) -> None:
    settings.LLM_RETRIES = 2
    wait = fails("429 Too Many Requests", head="Retry-After: 0.3\r\n")
    llm.say(wait, llm_server.resets, SQL)
    started = time.monotonic()
    assert ask(api, clinic)[0] == 200
    assert time.monotonic() - started > 0.3
    assert [record.outcome for record in llm_records()] == ["refused", "failed", "succeeded"]


def test_tries_are_bounded(api: Api, clinic: int, llm: LLMServer, settings: Settings) -> None:
    settings.LLM_RETRIES = 2
    llm.say(fails("503 Service Unavailable", head="Retry-After: 0\r\n"))
    assert ask(api, clinic)[0] == 503
    assert len(llm.requests) == 3


def test_a_wait_beyond_the_deadline_is_the_callers(api: Api, clinic: int, llm: LLMServer, settings: Settings) -> None:
    settings.LLM_RETRIES = 2
    llm.say(fails("429 Too Many Requests", head="Retry-After: 900\r\n"))
    assert ask(api, clinic) == (503, "language-model-busy", "900")
    assert len(llm.requests) == 1


def test_a_used_up_quota_is_not_tried_again(api: Api, clinic: int, llm: LLMServer, settings: Settings) -> None:
    settings.LLM_RETRIES = 2
    llm.say(fails("429 Too Many Requests", code="insufficient_quota"))
    ask(api, clinic)
    assert len(llm.requests) == 1


@pytest.mark.parametrize("name", ["temperature", "max_tokens"])
def test_a_parameter_that_the_server_does_not_know_is_left_out(
    api: Api, clinic: int, llm: LLMServer, name: str
) -> None:
    llm.say(llm_server.refuses_parameter(name, SQL))
    assert [ask(api, clinic)[0] for _ in range(2)] == [200, 200]
    assert [name in body for body in llm.asked()] == [True, False, False]


def test_a_server_without_json_schemas_gets_none(api: Api, sqlite_target: Target, llm: LLMServer) -> None:
    for table in ("wards", "rooms"):
        sqlite_target.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
    database = api.register(sqlite_target.owner)
    llm.say(
        fails("500 Internal Server Error", "json_schema: can't make a grammar"), 'Sure:\n{"tables": ["visits"]}', SQL
    )
    assert ask(api, database)[0] == 200
    assert [name in llm.asked()[1] for name in ("response_format", "temperature")] == [False, True]


def test_the_key_is_sent_and_never_quoted(api: Api, clinic: int, llm: LLMServer, llm_records: Records) -> None:
    llm.say(llm_server.echoes_key)
    assert ask(api, clinic)[0] == 200
    assert llm.requests[0].fields["authorization"] == f"Bearer {KEY}"
    assert (llm_records()[0].answer, KEY in f"{llm_records()}") == ("SELECT 'Bearer ***' AS leak", False)


def test_the_environment_of_the_client_adds_nothing(
    api: Api, clinic: int, llm: LLMServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LLM_API_KEY = ""
    for name, value in {
        "OPENAI_API_KEY": "sk-other", "OPENAI_ORG_ID": "org-other", "OPENAI_PROJECT_ID": "p-other",
        "OPENAI_CUSTOM_HEADERS": "X-Other: other", "HTTP_PROXY": "http://127.0.0.1:9", "OPENAI_BASE_URL": "http://other",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    llm.say(SQL)
    assert ask(api, clinic)[0] == 200
    assert set(llm.requests[0].fields) == {"host", "user-agent", "content-type", "accept", "content-length"}


def test_each_call_is_a_sealed_row_with_its_cost(
    api: Api, clinic: int, llm: LLMServer, settings: Settings, process_records: Callable[[], None]
) -> None:
    settings.LLM_PRICE_IN, settings.LLM_PRICE_OUT = Decimal("0.15"), Decimal("0.6")
    llm.say(completes(SQL, tokens_in=1001, tokens_out=7))
    api.client.post(f"/llm/generate-sql/db/{clinic}", '{"query": "방문?"}', content_type="application/json")
    process_records()
    status, rows = api.call("get", f"/llm/logs?database={clinic}")
    assert (status, len(rows)) == (200, 1)
    assert (rows[0]["cost"], rows[0]["tokens_in"], rows[0]["tokens_out"]) == ("0.0001543500", 1001, 7)
    assert (rows[0]["model"], rows[0]["outcome"], rows[0]["answer"]) == ("scripted-1", "succeeded", SQL)
    assert rows[0]["prompt"][-1]["content"].endswith("Question: 방문?")
    assert api.call("get", f"/llm/logs?session={rows[0]['session_id']}")[1] == rows
    assert api.call("get", f"/llm/logs/{rows[0]['id']}")[1] == rows[0]
    assert LLMLog.objects.get().cost == "0.0001543500"
    assert Decimal(str(LLMLog.objects.aggregate(total=Sum("cost"))["total"])) == Decimal("0.00015435")
