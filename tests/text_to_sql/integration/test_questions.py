"""`/llm/generate-sql/…` without a model: examples, and nothing that is not certain."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.models import Database, Example

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def shop(api: Api, settings: Settings, tmp_path: Path) -> int:
    settings.SQLITE_FOLDER = tmp_path
    call_command("generate_test_databases", "--register", stdout=io.StringIO())
    return int(Database.objects.get(eng_name="test_ecommerce").pk)


@pytest.mark.parametrize("member", ["question", "query"])
def test_the_described_question_is_answered_and_run(api: Api, shop: int, member: str) -> None:
    status, answer = api.call("post", f"/llm/generate-sql/db/{shop}/", {member: "최근 한 달간의 주문량을 알려줘"})
    assert (status, answer["result"]) == (200, "SUCCESS")
    assert (answer["id"], answer["query"]) == (answer["session_id"], answer["sql"])
    status, result = api.call("post", f"/llm/execute-sql/db/{shop}/{answer['id']}?summarize=true")
    assert (status, list(result["data"][0])) == (200, ["count"])


def test_every_example_runs(api: Api, shop: int) -> None:
    for database, sql in set(Example.objects.values_list("database_id", "sql")):
        status, result = api.execute(database, sql)
        assert (status, bool(result["data"])) == (200, True), sql


@pytest.mark.parametrize(
    "question", ["매출 상위 5개 상품 보여줘!", " 매출  상위 5개 상품을 보여줘", "SHOW the top 5 products by sales."]
)
def test_wording_is_ignored(api: Api, shop: int, question: str) -> None:
    status, answer = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": question})
    assert (status, answer["sql"].endswith("LIMIT 5")) == (200, True)


def test_a_number_goes_into_the_sql(api: Api, shop: int) -> None:
    status, answer = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": "Show the top 12 products by sales"})
    assert (status, answer["sql"].endswith("LIMIT 12")) == (200, True)


@pytest.mark.parametrize(
    "question", ["최근 두 달간의 주문량을 알려줘", "하위 5개 상품을 보여줘", "DROP TABLE orders", "주문"]
)
def test_any_other_question_needs_a_model(api: Api, shop: int, question: str) -> None:
    status, problem = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": question})
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:model-needed")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("부산 고객의 이름과 가입일을 보여줘", "city = '부산'"),
        ("Show the names and join dates of customers in Busan", "city = '부산'"),
        ("2026년 9월 매출은 얼마인가요?", "= '2026-09'"),
        ("What were the sales in September 2026?", "= '2026-09'"),
        ("VIP 등급 고객의 평균 주문 금액은?", "grade = 'VIP'"),
    ],
)
def test_a_value_or_a_date_goes_into_the_sql(api: Api, shop: int, question: str, part: str) -> None:
    status, answer = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": question})
    assert (status, part in answer["sql"]) == (200, True)
    assert answer["example"]["question"] != question


def test_a_number_that_is_not_clear_is_not_replaced(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    example = {"question": "visits of clinic 1 above 1", "sql": "SELECT id FROM visits WHERE person_id = 1 AND fee > 1"}
    api.call("post", f"/ddp/db/{database}/example", example)
    questions = [{"question": "visits of clinic 1 above 1"}, {"question": "visits of clinic 2 above 1"}]
    assert [api.call("post", f"/llm/generate-sql/db/{database}", each)[0] for each in questions] == [200, 422]


def test_a_verified_correction_becomes_an_example(api: Api, shop: int) -> None:
    _, answer = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": "Show the top 7 products by sales"})
    path = f"/llm/execute-sql/db/{shop}/{answer['id']}/verify"
    assert [api.call("post", path)[0] for _ in range(2)] == [201, 200]
    assert Example.objects.filter(question="Show the top 7 products by sales", sql=answer["sql"]).count() == 1
    assert api.call("post", path, {"query": "DELETE FROM orders"})[0] == 422


@pytest.mark.parametrize("sql", ["SELECT (", "SELECT 'a", "SELECT id FROM `orders`]"])
def test_an_example_that_is_no_sql_here_spoils_no_other_question(api: Api, shop: int, sql: str) -> None:
    """A database that is registered anew with another engine keeps its examples."""
    Example.objects.create(database_id=shop, question="망가진 예시 10개", sql=sql)
    path = f"/llm/generate-sql/db/{shop}"
    assert api.call("post", path, {"question": "매출 상위 5개 상품을 보여줘"})[0] == 200
    for question in ("다른 질문", "망가진 예시 9개"):
        assert api.call("post", path, {"question": question})[1]["type"] == "urn:ml-proxy:problem:model-needed"
    assert api.call("post", path, {"question": "망가진 예시 10개"})[0] == 422


def test_the_admin_stores_no_example_that_the_guard_refuses(admin_client: Client, api: Api, shop: int) -> None:
    form = {"database": shop, "question": "주문 번호", "sql": "DELETE FROM orders"}
    page = admin_client.post("/admin/text_to_sql/example/add/", form)
    assert "write a SELECT" in str(page.context["errors"])
    assert (
        admin_client.post("/admin/text_to_sql/example/add/", form | {"sql": "SELECT id FROM orders"}).status_code == 302
    )
    assert Example.objects.get(question="주문 번호").sql == "SELECT id FROM orders"


def test_a_change_of_an_example_counts_at_once(api: Api, shop: int) -> None:
    def asked() -> tuple[int, object]:
        status, answer = api.call("post", f"/llm/generate-sql/db/{shop}", {"question": "상품은 모두 몇 개?"})
        return status, answer.get("sql")

    assert asked()[0] == 422
    example = Example.objects.create(database_id=shop, question="상품은 모두 몇 개?", sql="SELECT 1 AS n FROM products")
    assert asked() == (200, "SELECT 1 AS n FROM products")
    example.sql = "SELECT COUNT(*) AS n FROM products"
    example.save()
    assert asked() == (200, "SELECT COUNT(*) AS n FROM products")
    newer = Example.objects.create(database_id=shop, question=example.question, sql="SELECT SUM(1) AS n FROM products")
    assert asked() == (200, "SELECT SUM(1) AS n FROM products")
    newer.delete()
    assert asked() == (200, "SELECT COUNT(*) AS n FROM products")
    example.delete()
    assert asked()[0] == 422


def test_an_unknown_session_is_a_404(api: Api, shop: int) -> None:
    assert api.call("post", f"/llm/execute-sql/db/{shop}/nothing")[0] == 404
