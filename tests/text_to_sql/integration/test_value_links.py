"""Words of a question that are values of a column."""

import pytest

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.known_tables import KnownTables, known_tables
from text_to_sql.models import Column, Database, Synonym, Table
from text_to_sql.value_links import ValueLink, links

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
CITY = ValueLink("customers", "city", "서울")


def known() -> KnownTables:
    shop = Database.objects.create(kor_name="쇼핑몰", engine="sqlite", port=0, db="shop.sqlite3")
    customers = Table.objects.create(database=shop, name="customers")
    for place, (name, values) in enumerate({"city": ["서울", "부산"], "grade": ["VIP", "골드"], "age": ["30"]}.items()):
        Column.objects.create(table=customers, name=name, position=place, data_type="TEXT", samples=values)  # type: ignore[misc] # a JSON value
    Synonym.objects.create(database=shop, word="Seoul", means="서울")
    return known_tables(shop)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("서울에 사는 고객은?", [CITY]),
        ("Customers in Seoul?", [CITY]),
        ("How many customers live in SEOUL and are VIP?", [CITY, ValueLink("customers", "grade", "VIP")]),
        ("the VIPER customers", []),
        ("30대 고객", []),
        ("남서울 고객", []),
    ],
)
def test_words_are_linked_to_values(question: str, found: list[ValueLink]) -> None:
    ours = known()
    assert links(ours.tables, ours.synonyms, question) == found


def test_an_extraction_reads_all_values_of_a_column_that_has_few(api: Api, target: Target) -> None:
    target.run("INSERT INTO visits (id, person_id, clinic, fee) SELECT id + 100, person_id, clinic, fee FROM visits")
    database = api.register(target.owner)
    columns = api.tables(database)["visits"]["columns"]
    assert columns["clinic"]["values"] == ["north", "south"]
    assert columns["id"]["values"] == []
    assert api.tables(database)["people"]["columns"]["name"]["values"] == []
