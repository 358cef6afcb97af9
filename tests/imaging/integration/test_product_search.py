"""The catalogue's search: keywords in Korean and English, as labels and callers write them, find products."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from imaging.calls import Origin, perform
from imaging.models import CatalogueProduct, CatalogueTerm
from imaging.products import importing, index, terms
from imaging.services.desk_classify import DESK_CLASSES
from imaging.services.product_search import MOST, PRODUCT_SEARCH
from imaging.services.vision2text import ALWAYS, KEYWORDS
from tests.support.query_plans import query_costs

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MANY = 6000  # products; most of a table that a planner may read whole
SYNTHETIC = Path(importing.__file__).with_name("synthetic_products.csv")


@pytest.fixture
def catalogue(db: None) -> None:
    with SYNTHETIC.open("rb") as file:
        importing.write(file, "utf-8")


def add(name: str, main: str = "기타", sub: str = "") -> CatalogueProduct:
    made = CatalogueProduct.objects.create(
        name=name,
        price=1000,
        purchase_place="가게",
        purchase_url=f"https://shop.example/{CatalogueProduct.objects.count()}",
        main_category=main,
        sub_category=sub,
    )
    index.update([made])
    return made


def names(keyword: str, limit: int = 5) -> list[str]:
    return [product.name for product in index.search(keyword, limit)]


@pytest.mark.usefixtures("catalogue")
def test_each_keyword_that_a_label_becomes_finds_products() -> None:
    for keyword in {*KEYWORDS.values(), *ALWAYS, *DESK_CLASSES} - {"notebook"}:
        assert len(index.search(keyword, MOST)) == MOST, keyword


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("keywords", "categories"),
    [
        (("책상", "데스크", "desk", "Desks", "책상을", "ＤＥＳＫ", "컴퓨터 책상"), {"책상"}),
        (("모니터", "monitor", "screen", "디스플레이"), {"모니터"}),
        (("모니터 받침대", "모니터받침대", "monitor stand"), {"모니터 주변용품"}),
        (("키보드", "keyboards", "space bar", "키보드와"), {"키보드"}),
        (("마우스", "mouse", "mice"), {"마우스"}),
        (("마우스패드", "mouse pad", "데스크 매트"), {"데스크 매트"}),
        (("의자", "체어", "chair"), {"의자"}),
        (("조명", "스탠드", "lamp", "스탠드 조명"), {"조명"}),
        (("노트북 거치대", "laptop stand"), {"노트북 주변용품"}),
    ],
)
def test_synonyms_in_both_languages_find_the_same_kind(keywords: Sequence[str], categories: set[str]) -> None:
    for keyword in keywords:
        found = index.search(keyword, 3)
        assert {product.main_category for product in found} == categories, keyword


def test_what_has_all_of_the_keyword_comes_first_and_the_rest_follows() -> None:
    add("검은 의자")
    add("원목 책상")
    add("하얀 책상")
    assert names("하얀 책상") == ["하얀 책상", "원목 책상"]
    assert names("파란 책상") == ["원목 책상", "하얀 책상"]


def test_a_category_says_more_than_a_name() -> None:
    add("키보드와 마우스와 함께 쓰는 넓은 책상", "책상")
    add("K380", "키보드")
    assert names("키보드")[0] == "K380"


def test_korean_words_are_found_within_compounds_and_without_particles() -> None:
    add("원목신발장")
    for keyword in ("신발장", "신발장을", "원목 신발장", "원목"):
        assert names(keyword) == ["원목신발장"], keyword
    assert names("신발끈") == ["원목신발장"]  # it shares a pair of syllables, and nothing else fits
    assert names("나무") == []


def test_the_last_of_two_concepts_is_what_is_wanted() -> None:
    add("램프")
    add("모니터")
    assert names("모니터용 램프")[0] == "램프"


@pytest.mark.parametrize("keyword", ["", " ", "!!!", "\0", "책" * 10_000, "' OR 1=1 --", "%", "😀", "는", "a" * 300])
def test_any_text_is_a_keyword(keyword: str) -> None:
    add("책상")
    assert isinstance(index.search(keyword, 5), list)


def test_long_names_are_looked_at_too_if_many_products_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(8):
        add("키보드", "키보드")
        add("조용하고 가벼운 하얀 무선 키보드", "키보드")
    monkeypatch.setattr(index, "SCANNED", 6)
    monkeypatch.setattr(index, "_COUNTED", 6)
    assert "무선" in names("무선 키보드")[0]


def test_a_search_is_ranges_of_indexes_however_many_products_there_are() -> None:
    products = [_product(number) for number in range(MANY)]
    CatalogueProduct.objects.bulk_create(products)
    CatalogueTerm.objects.bulk_create(
        CatalogueTerm(product=product, term=term, weight=product.pk % 90)
        for product in products
        for term in ("desk", "common", f"rare{product.pk % 50}", *(f"only{product.pk}x{number}" for number in range(5)))
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for keyword in ("common", "rare7 common", "책상 rare7 common"):
        costs = query_costs(partial(index.search, keyword, 5), CatalogueTerm._meta.db_table)
        assert costs
        for cost in costs:
            assert "catalogue_term_best" in cost.plan, cost
            assert "Seq Scan" not in cost.plan, cost
            assert "SCAN imaging_catalogueterm\n" not in f"{cost.plan}\n", cost
            assert cost.rows <= 3 * index.SCANNED, cost


def _product(number: int) -> CatalogueProduct:
    url = f"https://shop.example/{number}"
    return CatalogueProduct(name="x", price=1000, purchase_place="가게", purchase_url=url, main_category="기타")


def test_a_changed_product_is_found_by_its_new_words_only() -> None:
    product = add("하얀 책상")
    product.name = "검은 의자"
    product.save()
    index.update([product])
    assert names("의자") == ["검은 의자"]
    assert names("책상") == []
    product.delete()
    assert not CatalogueTerm.objects.exists()


def test_no_name_belongs_to_two_concepts() -> None:
    listed = [
        name.strip()
        for line in Path(terms.__file__).with_name("concepts.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
        for name in line.split(",")
    ]
    assert len(set(listed)) == len(listed)
    for name in listed:
        [unit] = terms.units(name)
        assert unit.is_concept, name
        assert len(unit.terms[0]) <= terms.MAX_TERM


@pytest.mark.usefixtures("gateway", "catalogue")
def test_the_service_has_the_described_members(settings: Settings) -> None:
    found = perform(PRODUCT_SEARCH, "무선 마우스", Origin("ann"))
    assert 0 < len(found) <= MOST
    assert all(product.price.isdigit() for product in found)
    assert found[0].link.startswith("https://shop.example/synthetic/")
    assert "synthetic" in found[0].mall


def test_info_lists_it(gateway: Client) -> None:
    assert gateway.get("/ai/info/").json()["services"]["product_search"]["model"] == "catalogue"
