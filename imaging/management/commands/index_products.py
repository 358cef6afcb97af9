"""`manage.py index_products`: the terms of all products, written anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from common.keyset import CHUNK_ROWS, walk
from imaging.models import CatalogueProduct
from imaging.products import index


class Command(BaseCommand):
    """Indexes products."""

    help = "Writes the search terms of all products anew. Needed after a change of imaging/products/concepts.txt only."

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds `--no-progress`."""
        parser.add_argument("--no-progress", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        """Indexes them; searches find products meanwhile."""
        quiet = True if options["no_progress"] else None  # None: unless standard error is a terminal
        products = CatalogueProduct.objects.all()
        total = 0
        batch: list[CatalogueProduct] = []
        with tqdm(total=products.count(), unit="product", unit_scale=True, disable=quiet) as bar:
            for product in walk(products, "id"):
                batch.append(product)
                if len(batch) == CHUNK_ROWS:
                    index.update(batch)
                    bar.update(len(batch))
                    batch.clear()
                total += 1
            index.update(batch)
            bar.update(len(batch))
        self.stdout.write(f"{total:,} products are indexed")
