"""Imports a CSV file of products into the catalogue: all of its rows, or none."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

from django.db import transaction

from imaging.models import CatalogueProduct
from imaging.products import csv_files, index
from imaging.products.csv_files import MOST_FAULTS, FileRefused, Row

BATCH = 500  # products that are written together
_REPLACED = ("name", "price", "purchase_place", "image_url", "main_category", "sub_category", "updated_at")


class Imported(NamedTuple):
    """How many products the catalogue did not have before, and how many were replaced."""

    new: int
    replaced: int


def check(file: BinaryIO, encoding: str, most_rows: int | None = None) -> int:
    """The number of the file's products. Raises `FileRefused` with the faults of all lines."""
    faults: list[Row] = []
    more = count = 0
    for row in _unique(file, encoding):
        count += 1
        if most_rows is not None and count > most_rows:
            fix = "import it with `manage.py import_products`, or in parts"
            raise FileRefused(f"The file has more than {most_rows:,} products, too many for a page: {fix}.")
        if row.fault:
            faults, more = (faults, more + 1) if len(faults) == MOST_FAULTS else ([*faults, row], more)
    if faults:
        raise csv_files.refused(faults, more)
    return count


@transaction.atomic
def write(file: BinaryIO, encoding: str, advance: Callable[[int], object] = bool) -> Imported:
    """Writes the products of a file, in one transaction; `advance` gets the size of each batch.

    A product with a known purchase URL is replaced, so that the same file twice is the same as once. Products that are
    not in the file stay. Raises `FileRefused`, if the file has changed since it was checked.
    """
    new = total = 0
    for products in _batches(file, encoding):
        new += _write_batch(products)
        total += len(products)
        advance(len(products))
    return Imported(new, total - new)


def _write_batch(products: list[CatalogueProduct]) -> int:
    """Returns how many are new."""
    stored = CatalogueProduct.objects.filter(purchase_url__in=[product.purchase_url for product in products])
    known = stored.count()
    CatalogueProduct.objects.bulk_create(
        products, update_conflicts=True, unique_fields=["purchase_url"], update_fields=_REPLACED
    )
    index.update(products)
    return len(products) - known


def _batches(file: BinaryIO, encoding: str) -> Iterator[list[CatalogueProduct]]:
    found = _unique(file, encoding)
    while rows := list(islice(found, BATCH)):
        if faults := [row for row in rows if row.fault]:
            raise csv_files.refused(faults)
        yield [row.product for row in rows if row.product]


def _unique(file: BinaryIO, encoding: str) -> Iterator[Row]:
    """The rows; one with the URL of an earlier one is a fault."""
    lines: dict[str, int] = {}
    for row in csv_files.rows(file, encoding):
        url = row.product.purchase_url if row.product else f"line {row.line}"
        first = lines.setdefault(url, row.line)
        fault = f"purchase_url: line {first} has the same; leave one of the two out"
        yield row if first == row.line else Row(row.line, None, fault)
