"""Tables as a database has them, and what people write about them."""

import pytest

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target

pytestmark = pytest.mark.django_db


def test_it_takes_in_tables_columns_and_samples(api: Api, target: Target) -> None:
    tables = api.tables(api.register(target.owner))
    assert set(tables) == {"people", "visits", "salaries"}
    assert list(tables["visits"]["columns"]) == ["id", "person_id", "clinic", "fee", "memo"]
    assert tables["visits"]["columns"]["id"]["primary_key"]
    assert tables["visits"]["columns"]["clinic"]["samples"] == ["north", "south"]


def test_it_takes_in_comments_and_references(api: Api, mariadb_target: Target) -> None:
    mariadb_target.run(
        "CREATE TABLE bills (id INT PRIMARY KEY COMMENT '번호', visit_id INT, "
        "FOREIGN KEY (visit_id) REFERENCES visits (id)) COMMENT '청구'"
    )
    bills = api.tables(api.register(mariadb_target.owner))["bills"]
    assert (bills["comment"], bills["kor_name"]) == ("청구", "청구")
    assert bills["columns"]["id"]["kor_name"] == "번호"
    assert bills["columns"]["visit_id"]["references"] == "visits.id"


def test_a_second_extraction_keeps_what_people_wrote_and_shows_what_changed(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    visits = api.tables(database)["visits"]
    api.call("put", f"/ddp/table/{visits['id']}", {"kor_name": "방문", "description": "환자 방문"})
    api.call("put", f"/ddp/column/{visits['columns']['memo']['id']}", {"hidden": True})
    sqlite_target.run("ALTER TABLE visits ADD COLUMN doctor VARCHAR(10)")
    sqlite_target.run("DROP TABLE salaries")
    status, extracted = api.call("post", f"/ddp/db/{database}/extract/table")
    assert status == 200
    assert extracted["changes"] == ["visits.doctor: new"]
    assert extracted["removed"] == ["salaries"]
    api.call("post", f"/ddp/db/{database}/table", extracted)
    tables = api.tables(database)
    assert set(tables) == {"people", "visits"}
    assert (tables["visits"]["kor_name"], tables["visits"]["columns"]["memo"]["hidden"]) == ("방문", True)


def test_an_edited_extraction_is_stored_as_edited(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    _, extracted = api.call("post", f"/ddp/db/{database}/extract/table")
    extracted["tables"][0]["kor_name"] = "사람"
    api.call("post", f"/ddp/db/{database}/table", extracted)
    assert api.tables(database)["people"]["kor_name"] == "사람"


def test_synonyms_and_examples_are_stored_once(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    synonym, example = (
        {"word": "진료비", "means": "visits.fee"},
        {"question": "방문 수", "sql": "SELECT COUNT(*) FROM visits"},
    )
    assert [api.call("post", f"/ddp/db/{database}/synonym", synonym)[0] for _ in range(2)] == [201, 200]
    assert [api.call("post", f"/ddp/db/{database}/example", example)[0] for _ in range(2)] == [201, 200]
    _, [stored] = api.call("get", f"/ddp/db/{database}/example")
    assert api.call("delete", f"/ddp/example/{stored['id']}")[0] == 204
    assert api.call("get", f"/ddp/db/{database}/example") == (200, [])


def test_an_example_must_pass_the_guard(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.owner)
    status, problem = api.call("post", f"/ddp/db/{database}/example", {"question": "x", "sql": "DELETE FROM visits"})
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:statement-refused")


@pytest.mark.parametrize("body", [{}, {"tables": [{"name": "x"}]}, {"tables": "x"}])
def test_tables_that_can_not_be_read_are_refused(api: Api, sqlite_target: Target, body: object) -> None:
    database = api.register(sqlite_target.owner)
    assert api.call("post", f"/ddp/db/{database}/table", body)[0] == 400
