"""Keeps the terms of products in the database, and finds products by them, on SQLite and PostgreSQL alike.

Each look-up is a range of one index, of at most `SCANNED` entries. So the time does not grow with the catalogue.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django.db import connection, transaction

from common.bulk_insert import insert_new
from imaging.models import CatalogueProduct, CatalogueTerm
from imaging.products import terms
from imaging.products.terms import Unit

SCANNED = 2000  # entries of the rarest term that are looked at
MOST_TERMS = 12  # of a keyword
_COUNTED = 2000  # from here on, terms are equally frequent
_SORTED = 100  # matches that are compared
_INSERTED = 2000  # terms in one statement
# What a field's term weighs. A category says what a product is; its name also says what it goes with.
_WEIGHTS = {"sub_category": 80, "main_category": 60, "name": 40}


def search(keyword: str, limit: int) -> list[CatalogueProduct]:
    """The products for a keyword in Korean or English, the best first.

    Those that have all of the keyword come first. If they are too few, those follow that have its two most important
    parts, and then its most important one: a wooden desk is a desk.
    """
    wanted = _known(terms.units(keyword))
    found: dict[int, None] = {}
    for parts in dict.fromkeys((len(wanted), min(len(wanted), 2), min(len(wanted), 1))):
        if parts and len(found) < limit:
            counted = sorted(each for unit in wanted[:parts] for each in unit)
            found |= dict.fromkeys(_matching([term for _, term in counted], limit))
    products = CatalogueProduct.objects.in_bulk(list(found)[:limit])
    return [products[number] for number in list(found)[:limit] if number in products]


@transaction.atomic
def update(products: Sequence[CatalogueProduct]) -> None:
    """Writes the terms of stored products anew."""
    CatalogueTerm.objects.filter(product__in=[product.pk for product in products]).delete()
    rows = list(_rows(products))
    for start in range(0, len(rows), _INSERTED):
        insert_new(rows[start : start + _INSERTED], ["product_id", "term"])


def _rows(products: Iterable[CatalogueProduct]) -> Iterator[CatalogueTerm]:
    for product in products:
        for term, weight in _weighted(product).items():
            yield CatalogueTerm(product_id=product.pk, term=term, weight=weight)


def _weighted(product: CatalogueProduct) -> Counter[str]:
    """The product's terms. The length of a name does not count: else `search` would look at short names only."""
    found: Counter[str] = Counter()
    for field, weight in _WEIGHTS.items():
        for term in terms.terms(getattr(product, field)):
            found[term] += weight
    return found


def _known(units: list[Unit]) -> list[list[tuple[int, str]]]:
    """The units that any product has, as terms with their frequency, the most important unit first.

    Concepts come first, and of two the last: a lamp for a monitor is a lamp. Then the rarest word. A pair of syllables
    that no product has is left out of its word: it may contain an ending.
    """
    counts = {term: _count(term) for term in [term for unit in units for term in unit.terms][:MOST_TERMS]}
    counted = [[(counts[term], term) for term in unit.terms if counts.get(term)] for unit in units]
    concepts = [found for unit, found in zip(units, counted, strict=True) if unit.is_concept and found]
    words = [found for unit, found in zip(units, counted, strict=True) if not unit.is_concept and found]
    return concepts[::-1] + sorted(words, key=min)


def _count(term: str) -> int:
    # The order makes PostgreSQL use the index. Without it, it may read the whole table for a frequent term.
    entries = f"SELECT 1 FROM {_table()} WHERE term = %s ORDER BY weight DESC, product_id LIMIT {_COUNTED}"  # noqa: S608
    statement = f"SELECT COUNT(*) FROM ({entries}) counted"  # noqa: S608
    return int(_values(statement, [term])[0])


def _matching(wanted: Sequence[str], limit: int) -> list[int]:
    """The products that have all these terms, the rarest first: its weightiest, sorted by the weights of all."""
    first, *others = wanted
    table = _table()
    joins = "".join(
        f" CROSS JOIN {table} t{number}"  # it keeps SQLite from beginning with another term
        for number in range(len(others))
    )
    has_all = " AND ".join(
        f"t{number}.product_id = first.product_id AND t{number}.term = %s" for number in range(len(others))
    )
    total = " + ".join(["first.weight", *(f"t{number}.weight" for number in range(len(others)))])
    scanned = f"SELECT product_id, weight FROM {table} WHERE term = %s ORDER BY weight DESC, product_id LIMIT {SCANNED}"  # noqa: S608
    statement = (
        f"SELECT product_id FROM (SELECT first.product_id, {total} AS total FROM ({scanned}) first{joins} "  # noqa: S608
        f"{f'WHERE {has_all}' if others else ''} LIMIT {_SORTED}) found ORDER BY total DESC, product_id LIMIT %s"
    )
    return _values(statement, [first, *others, limit])


def _values(statement: str, parameters: list[str | int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [int(value) for (value,) in cursor.fetchall()]


def _table() -> str:
    return connection.ops.quote_name(CatalogueTerm._meta.db_table)  # noqa: SLF001 - documented
