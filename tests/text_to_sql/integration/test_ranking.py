"""The right tables among a thousand, without a model."""

import random
import time

import pytest

from tests.support.many_tables import fill
from text_to_sql import ranking
from text_to_sql.known_tables import known_tables
from text_to_sql.models import Column, Database, Synonym, Table

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
QUESTIONS = 300  # of each language


def rank(database: Database, question: str, limit: int = 8) -> list[Table]:
    return ranking.rank(known_tables(database), question, limit)


def database() -> Database:
    return Database.objects.create(kor_name="큰 데이터베이스", engine="sqlite", port=0, db="large.sqlite3")


@pytest.mark.parametrize(("korean", "least"), [(True, 0.97), (False, 0.90)])
def test_the_right_table_is_among_the_first_eight_of_a_thousand(korean: bool, least: float) -> None:
    large = database()
    asked = random.Random(3).sample(fill(large, korean=korean, seed=1), 2 * QUESTIONS)
    rank(large, "first")  # builds the index
    seconds, found = [], {"ko": [0, 0], "en": [0, 0]}
    for each in asked:
        start = time.thread_time()
        tables = rank(large, each.question)
        seconds.append(time.thread_time() - start)  # beside other tests, the clock measures them too
        found[each.language][each.table in [table.name for table in tables]] += 1
    recall = {language: right / (wrong + right) for language, (wrong, right) in found.items()}
    print(f"korean names {korean}: recall {recall}, median {sorted(seconds)[len(seconds) // 2]:.4f} s")
    assert min(recall.values()) >= least
    assert sorted(seconds)[len(seconds) // 2] < 0.05


def shop() -> Database:
    shop = database()
    orders = Table.objects.create(database=shop, name="orders", kor_name="주문")
    Column.objects.create(table=orders, name="amount", position=1, data_type="INT")
    people = Table.objects.create(database=shop, name="people", kor_name="고객")
    Column.objects.create(table=people, name="city", position=1, data_type="TEXT", samples=["서울", "부산"])  # type: ignore[misc] # a JSON value
    Column.objects.create(table=people, name="secret", position=2, data_type="TEXT", hidden=True)
    return shop


def first(shop: Database, question: str) -> str:
    return rank(shop, question)[0].name


@pytest.mark.parametrize(
    "question", ["고객은 몇 명?", "how many customers?", "손님 목록", "서울에 사는 사람", "people"]
)
def test_names_samples_and_concepts_count(question: str) -> None:
    assert first(shop(), question) == "people"


def test_only_what_is_visible_comes_back() -> None:
    ours = shop()
    [people] = [table for table in rank(ours, "고객") if table.name == "people"]
    assert [column.name for column in people.columns.all()] == ["city"]
    assert len(rank(ours, "고객", limit=1)) == 1


def test_a_change_of_the_metadata_counts_at_once() -> None:
    ours = shop()
    assert first(ours, "매출전표") == "orders"
    synonym = Synonym.objects.create(database=ours, word="매출전표", means="people")
    assert first(ours, "매출전표") == "people"
    synonym.means = "orders"
    synonym.save()
    assert first(ours, "매출전표") == "orders"
    synonym.means = "people"
    synonym.save()
    assert first(ours, "매출전표") == "people"
    synonym.delete()
    assert first(ours, "매출전표") == "orders"
    ours.tables.get(name="people").delete()
    assert [table.name for table in rank(ours, "고객")] == ["orders"]


def test_a_hidden_table_is_never_found() -> None:
    ours = shop()
    rank(ours, "고객")
    people = ours.tables.get(name="people")
    people.hidden = True
    people.save()
    assert [table.name for table in rank(ours, "고객")] == ["orders"]
