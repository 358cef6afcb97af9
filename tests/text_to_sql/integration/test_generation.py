"""`/llm/generate-sql/…` with a language model: tables, SQL, its correction, and what can't be answered."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from tests.support.llm_server import MODEL, LLMServer, completes, fails
from tests.support.model import Script
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.agents import query_generator
from text_to_sql.models import Column, Database, QuestionSession, Synonym, Table
from text_to_sql.records import LLMRecord

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

COUNT = "SELECT COUNT(*) AS visits FROM visits"


@pytest.fixture
def clinic(api: Api, sqlite_target: Target, llm: LLMServer) -> int:
    return api.register(sqlite_target.owner)


def ask(api: Api, database: int, question: str = "진료는 몇 건인가?") -> tuple[int, dict[str, object]]:
    status, answer = api.call("post", f"/llm/generate-sql/db/{database}", {"question": question})
    return status, answer


def test_the_models_sql_is_answered_and_run(api: Api, target: Target, llm: LLMServer) -> None:
    database = api.register(target.owner)
    llm.say(f"```sql\n{COUNT};\n```")
    status, answer = ask(api, database)
    assert (status, answer["result"], answer["sql"], answer["query"]) == (200, "SUCCESS", COUNT, COUNT)
    assert answer["id"] == answer["session_id"]
    assert (answer["example"], answer["warning"]) == (None, None)
    assert answer["model"] == {
        "name": MODEL,
        "provider": llm.url.removeprefix("http://"),
        "prompt_version": query_generator.VERSION,
    }
    status, result = api.call("post", f"/llm/execute-sql/db/{database}/{answer['id']}")
    assert (status, result["data"]) == (200, [{"visits": 2}])


def test_a_verified_example_needs_no_model(api: Api, clinic: int, llm: LLMServer) -> None:
    api.call("post", f"/ddp/db/{clinic}/example", {"question": "How many visits?", "sql": COUNT})
    status, answer = ask(api, clinic, "how many visits")
    assert (status, answer["model"], llm.requests) == (200, None, [])


def test_without_a_model_the_answer_says_how_to_get_one(api: Api, clinic: int, settings: Settings) -> None:
    settings.LLM_BASE_URL = ""
    status, problem = ask(api, clinic)
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:model-needed")
    assert "LLM_BASE_URL" in str(problem["detail"])


def test_the_prompt_has_what_the_caller_may_see(api: Api, clinic: int, llm: LLMServer) -> None:
    Table.objects.filter(name="salaries").update(hidden=True)
    Column.objects.filter(name="note").update(hidden=True)
    Table.objects.filter(name="visits").update(kor_name="진료", description="who came\nand when")
    database = Database.objects.get(pk=clinic)
    for word, means in (("매출", "visits.fee"), ("급여", "salaries.amount"), ("비고", "people.note")):
        Synonym.objects.create(database=database, word=word, means=means)
    for question, sql in (("fees of a clinic", "SELECT SUM(fee) FROM visits"), ("notes", "SELECT note FROM people")):
        database.examples.create(question=question, sql=sql)
    llm.say(COUNT)
    assert ask(api, clinic, "visits of a clinic")[0] == 200
    prompt = llm.prompt()
    assert "CREATE TABLE visits ( -- 진료; who came and when" in prompt
    assert "fee DECIMAL(10, 2), -- e.g. '10.5'" in prompt
    assert "-- 매출 = visits.fee" in prompt
    assert "SELECT SUM(fee) FROM visits" in prompt
    for hidden in ("salaries", "note", "급여", "비고", "SECRET note"):
        assert hidden not in prompt


def test_a_question_reads_the_metadata_once(
    api: Api, clinic: int, llm: LLMServer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    llm.say(COUNT)
    ask(api, clinic)
    with django_assert_max_num_queries(5):
        assert ask(api, clinic)[0] == 200


def test_values_can_be_kept_from_the_model(api: Api, clinic: int, llm: LLMServer, settings: Settings) -> None:
    settings.LLM_SHOW_VALUES = False
    llm.say(COUNT)
    ask(api, clinic)
    assert "10.5" not in llm.prompt()
    assert "north" not in llm.prompt()


@pytest.mark.parametrize(
    "line", ["-- cannot answer: 환자의 나이가 없습니다", "-- Cannot answer: 환자의 나이가 없습니다"]
)
def test_what_the_tables_lack_is_asked_back(api: Api, clinic: int, llm: LLMServer, line: str) -> None:
    llm.say(line)
    status, problem = ask(api, clinic, "환자의 평균 나이는?")
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:cannot-answer")
    assert "환자의 나이가 없습니다" in str(problem["detail"])
    assert not QuestionSession.objects.exists()


def test_a_refused_statement_goes_back_once(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("SELECT COUNT(*) FROM visit", COUNT)
    assert ask(api, clinic)[1]["sql"] == COUNT
    last = llm.asked()[-1]["messages"]
    assert last[-2]["content"] == "SELECT COUNT(*) FROM visit"
    assert "'visit'" in last[-1]["content"]
    assert "visits" in last[-1]["content"]


def test_the_databases_words_go_back(api: Api, target: Target, llm: LLMServer) -> None:
    database = api.register(target.owner)
    target.run("DROP TABLE salaries")
    llm.say("SELECT MAX(amount) FROM salaries", COUNT)
    assert ask(api, database)[1]["sql"] == COUNT
    assert "The database says" in llm.prompt()
    assert "salaries" in llm.asked()[-1]["messages"][-1]["content"]


def test_after_one_correction_it_gives_up(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("DELETE FROM visits")
    status, problem = ask(api, clinic)
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:not-answered")
    assert len(llm.requests) == 2
    assert not QuestionSession.objects.exists()


def test_an_answer_says_what_does_not_fit_the_question(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("SELECT COUNT(*) AS n FROM visits GROUP BY person_id HAVING COUNT(*) >= 2")
    answer: Any = ask(api, clinic, "5번 이상 방문한 환자는 몇 명인가요?")[1]
    assert [(doubt["kind"], doubt["value"]) for doubt in answer["doubts"]] == [
        ("missing-number", "5"),
        ("rows-of-groups", ""),
    ]
    llm.say("SELECT SUM(person_id) / COUNT(*) AS mean, SUM(fee) / COUNT(*) AS fee FROM visits")
    answer = ask(api, clinic, "환자 번호의 평균은?")[1]
    assert [doubt["kind"] for doubt in answer["doubts"]] == ["whole-division"]
    llm.say("SELECT SUM(fee) / COUNT(*) AS fee FROM visits")
    assert ask(api, clinic, "진료비의 평균은?")[1]["doubts"] == []


TWICE = "2번 이상 방문한 환자는 몇 명인가요?"
PER_PATIENT = "SELECT COUNT(*) AS n FROM visits GROUP BY person_id HAVING COUNT(*) >= 2"  # what small models write
PATIENTS = "SELECT COUNT(*) AS n FROM (SELECT person_id FROM visits GROUP BY person_id HAVING COUNT(*) >= 2) x"


@pytest.fixture
def small_model(settings: Settings) -> None:
    settings.LLM_SMALL_MODEL = True


@pytest.mark.usefixtures("small_model")
def test_a_small_model_writes_other_drafts_of_what_does_not_fit(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say(PER_PATIENT, "SELECT nothing", "-- cannot answer: no patients", PER_PATIENT, PATIENTS)
    answer = ask(api, clinic, TWICE)[1]
    assert (answer["sql"], answer["doubts"]) == (PATIENTS, [])
    sampled = [(asked["temperature"], asked.get("seed")) for asked in llm.asked()]
    assert sampled == [(0, None), (0.7, 1), (0.7, 2), (0.7, 3), (0.7, 4)]


@pytest.mark.usefixtures("small_model")
def test_if_no_draft_fits_the_likeliest_one_is_answered(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say(PER_PATIENT, PER_PATIENT.replace(">=", ">"))
    answer: Any = ask(api, clinic, TWICE)[1]
    assert (answer["sql"], len(llm.requests)) == (PER_PATIENT, 6)
    assert [doubt["kind"] for doubt in answer["doubts"]] == ["rows-of-groups"]


@pytest.mark.usefixtures("small_model")
def test_another_draft_may_run_where_a_correction_did_not(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("SELECT COUNT(*) FROM visits, visits", "DELETE FROM visits", COUNT)
    assert ask(api, clinic)[1]["sql"] == COUNT
    assert len(llm.requests) == 3


@pytest.mark.usefixtures("small_model")
@pytest.mark.parametrize("trouble", [fails("500 Internal Server Error"), completes(""), fails("401 Unauthorized")])
def test_trouble_with_another_draft_loses_nothing(
    api: Api, clinic: int, llm: LLMServer, settings: Settings, trouble: Script
) -> None:
    settings.LLM_RETRIES = 0
    llm.say(completes(PER_PATIENT), trouble)
    assert ask(api, clinic, TWICE)[1]["sql"] == PER_PATIENT
    assert len(llm.requests) == 2


@pytest.mark.usefixtures("small_model")
def test_what_no_table_has_is_asked_back_without_other_drafts(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("SELECT AVG(age) FROM people")
    assert ask(api, clinic, "환자의 평균 나이는?")[1]["type"] == "urn:ml-proxy:problem:cannot-answer"
    assert len(llm.requests) == 2


def test_a_large_model_writes_one_draft(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say(PER_PATIENT)
    assert ask(api, clinic, TWICE)[1]["sql"] == PER_PATIENT
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("SELECT id, clinic FROM visits", ["no-number"]),
        ("SELECT person_id FROM visits", ["no-number"]),
        ("SELECT id, fee FROM visits", []),
    ],
)
def test_keys_texts_and_dates_are_no_answer_to_how_many(
    api: Api, clinic: int, llm: LLMServer, sql: str, kinds: list[str]
) -> None:
    Column.objects.filter(name="person_id").update(references="people.id")
    llm.say(sql)
    answer: Any = ask(api, clinic, "진료는 모두 몇 건인가요?")[1]
    assert [doubt["kind"] for doubt in answer["doubts"]] == kinds


def test_what_no_table_has_is_asked_back_after_a_correction(api: Api, clinic: int, llm: LLMServer) -> None:
    llm.say("SELECT AVG(age) FROM people")
    status, problem = ask(api, clinic, "환자의 평균 나이는?")
    assert (status, problem["type"], len(llm.requests)) == (422, "urn:ml-proxy:problem:cannot-answer", 2)
    assert "'age'" in str(problem["detail"])


@pytest.mark.parametrize("statement", ["SELECT fee FROM people", "SELECT visits.fee FROM people"])
def test_a_correction_knows_how_tables_are_joined(api: Api, clinic: int, llm: LLMServer, statement: str) -> None:
    Column.objects.filter(name="person_id").update(references="people.id")
    llm.say(statement)
    status, problem = ask(api, clinic)
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:not-answered")
    assert "Tables are joined by visits.person_id = people.id." in llm.prompt()


def test_a_hidden_column_joins_nothing(api: Api, clinic: int, llm: LLMServer) -> None:
    Column.objects.filter(name="person_id").update(references="people.id", hidden=True)
    llm.say("SELECT fee FROM people")
    ask(api, clinic)
    assert "joined" not in llm.prompt()
    assert "person_id" not in llm.prompt()


def test_planning_runs_nothing(api: Api, target: Target, llm: LLMServer, settings: Settings) -> None:
    database = api.register(target.owner)
    settings.QUERY_SECONDS = 5
    endless = f"SELECT COUNT(*) AS n FROM {', '.join(f'visits v{number}' for number in range(30))}"
    llm.say(endless)
    assert ask(api, database)[0] == 200


def test_a_target_that_is_down_is_no_fault_of_the_sql(
    api: Api, sqlite_target: Target, llm: LLMServer, settings: Settings
) -> None:
    database = api.register(sqlite_target.owner)
    (settings.SQLITE_FOLDER / "clinic.sqlite3").rename(settings.SQLITE_FOLDER / "away.sqlite3")
    llm.say(COUNT)
    status, _ = ask(api, database)
    assert (status >= 400, len(llm.requests)) == (True, 1)


def test_the_model_chooses_among_many_tables(api: Api, sqlite_target: Target, llm: LLMServer) -> None:
    for name in ("wards", "rooms"):
        sqlite_target.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")
    database = api.register(sqlite_target.owner)
    llm.say('{"tables": ["visits", "unknown"]}', COUNT)
    assert ask(api, database)[0] == 200
    assert llm.agents() == ["table_selector", "query_generator"]
    assert llm.asked()[0]["response_format"]["json_schema"]["schema"]["required"] == ["tables"]
    assert "people (id, name, note)" in llm.prompt(0)
    assert "CREATE TABLE visits" in llm.prompt()
    assert "CREATE TABLE people" not in llm.prompt()


def test_what_was_not_chosen_is_tried_before_it_is_asked_back(
    api: Api, sqlite_target: Target, llm: LLMServer, llm_records: Callable[[], list[LLMRecord]]
) -> None:
    for name in ("wards", "rooms"):
        sqlite_target.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")
    database = api.register(sqlite_target.owner)
    llm.say('{"tables": ["wards"]}', "-- cannot answer: no visits", COUNT)
    status, answer = ask(api, database)
    assert (status, answer["sql"]) == (200, COUNT)
    assert "CREATE TABLE visits" in llm.prompt()
    assert {record.session_id for record in llm_records()} == {answer["id"]}


def test_an_unusable_choice_is_no_error(api: Api, sqlite_target: Target, llm: LLMServer) -> None:
    for name in ("wards", "rooms"):
        sqlite_target.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")
    database = api.register(sqlite_target.owner)
    llm.say("visits, I think", '{"tables": 1}', COUNT)
    assert ask(api, database)[0] == 200
    assert llm.prompt().count("CREATE TABLE") == 5


def test_a_small_model_is_named_as_one(api: Api, sqlite_target: Target, llm: LLMServer, settings: Settings) -> None:
    for name in ("wards", "rooms"):
        sqlite_target.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")
    database = api.register(sqlite_target.owner)
    settings.LLM_SMALL_MODEL = True
    llm.say(COUNT)
    assert ask(api, database)[1]["warning"] == "small model, check the SQL"
    assert llm.agents() == ["query_generator"]


def test_a_database_without_tables_says_so(api: Api, sqlite_target: Target, llm: LLMServer) -> None:
    database = api.register(sqlite_target.owner)
    Table.objects.update(hidden=True)
    status, problem = ask(api, database)
    assert (status, "extract/table" in str(problem["detail"]), llm.requests) == (422, True, [])
