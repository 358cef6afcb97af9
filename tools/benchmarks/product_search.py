"""`python -m tools.benchmarks.product_search`: times searches in a large catalogue on PostgreSQL.

The catalogue is synthetic: no such product or shop exists. Exit status 1 if the 95th percentile is over the goal.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from tests.support.postgres import Postgres
from tests.support.production import production_settings
from tests.support.system import System
from tools.benchmarks.results import percentile
from tools.exit_signals import exit_on_signals

PRODUCTS, CHUNK = 100_000, 2000
REPEATS = 15
MOST_MILLISECONDS = 50.0
KEYWORDS = {
    "Korean": (
        "책상", "모니터", "키보드", "마우스", "의자", "조명", "모니터 받침대", "노트북 거치대", "무선 마우스",
        "원목 책상", "높이조절 데스크", "저소음 무선 키보드", "게이밍 의자를", "나무 정리함", "하얀 무소음 유선 마우스",
    ),
    "English": (
        "desk", "monitor", "keyboard", "mouse pad", "laptop stand", "desk lamp", "wireless mouse", "4K monitor",
        "USB hub", "LED desk lamp white",
    ),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.product_search", description=__doc__)
    parser.add_argument("--products", type=int, default=PRODUCTS, help="in the catalogue (%(default)s)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="ml-proxy-search-") as folder, closing(Postgres(Path(folder) / "pg")) as pg:
        system = System(Path(folder), database_url=pg.make_database("search"))
        system.manage("migrate", "-v0")
        given = {**system.environment, **production_settings()}  # under DEBUG, Django keeps all statements
        os.environ |= given | {"DJANGO_SETTINGS_MODULE": "backend.settings"}
        import django  # noqa: PLC0415 - after the environment is complete

        django.setup()
        fill(options.products)
        return report({language: list(times(keywords)) for language, keywords in KEYWORDS.items()})


def fill(count: int) -> None:
    """Writes so many products, and their terms."""
    from django.db import connection  # noqa: PLC0415 - after Django is set up

    from imaging.models import CatalogueProduct  # noqa: PLC0415
    from imaging.products import COLUMNS, index  # noqa: PLC0415
    from tools.synthetic_products import rows  # noqa: PLC0415

    made = (CatalogueProduct(**dict(zip(COLUMNS, row, strict=True))) for row in rows(count))
    while chunk := list(islice(made, CHUNK)):
        index.update(CatalogueProduct.objects.bulk_create(chunk))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def times(keywords: tuple[str, ...]) -> Iterator[float]:
    """The milliseconds of each search. The first of each keyword, which reads from the disk, counts too."""
    from imaging.products import index  # noqa: PLC0415 - after Django is set up

    for _ in range(REPEATS):
        for keyword in keywords:
            started = time.perf_counter()
            index.search(keyword, 5)
            yield (time.perf_counter() - started) * 1000


def report(found: dict[str, list[float]]) -> int:
    """Prints the figures; returns 1 if the goal is missed."""
    slowest = 0.0
    for language, measured in found.items():
        shares = {share: percentile(sorted(measured), share) for share in (0.5, 0.95, 1)}
        slowest = max(slowest, shares[0.95])
        print(f"{language}: p50 {shares[0.5]:.1f} ms, p95 {shares[0.95]:.1f} ms, max {shares[1]:.1f} ms")
    return int(slowest > MOST_MILLISECONDS)


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
