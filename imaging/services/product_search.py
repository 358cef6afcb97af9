"""Products for a keyword: from the catalogue of this gateway, or from Naver Shopping (`imaging.services.naver`)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from imaging.models import CatalogueProduct
from imaging.products import index
from imaging.services.interface import Kind, Usage

MOST = 5  # products for one keyword


@dataclass(frozen=True)
class Product:
    """A product as callers get it; everything is text. `price` is digits, in the shop's currency."""

    title: str
    price: str
    mall: str
    link: str
    image: str
    main_category: str
    sub_category: str


class Catalogue:
    """The catalogue in this gateway's database."""

    provider = "local"

    def run(self, given: str, usage: Usage) -> Sequence[Product]:
        """At most `MOST` products for a keyword, the best first; none if nothing fits."""
        usage.model, usage.prompt = "catalogue", given
        found = tuple(_product(row) for row in index.search(given, MOST))
        usage.answer = [asdict(product) for product in found]
        return found

    def info(self) -> dict[str, Any]:
        """What it is."""
        return {"model": "catalogue", "most_products": MOST}


def _product(row: CatalogueProduct) -> Product:
    return Product(
        title=row.name,
        price=str(row.price),
        mall=row.purchase_place,
        link=row.purchase_url,
        image=row.image_url,
        main_category=row.main_category,
        sub_category=row.sub_category,
    )


PRODUCT_SEARCH: Kind[str, Sequence[Product]] = Kind("product_search", "IMAGES_PRODUCT_SEARCH")
