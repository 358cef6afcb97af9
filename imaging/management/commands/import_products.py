"""`manage.py import_products FILE`: products for the catalogue, from a CSV file."""

from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from imaging.models import CatalogueProduct
from imaging.products import COLUMNS, importing
from imaging.products.csv_files import ENCODINGS, MOST_FAULTS, FileRefused

SYNTHETIC = Path(importing.__file__).with_name("synthetic_products.csv")


class Command(BaseCommand):
    """Imports products."""

    help = (
        f"Imports a CSV file with the columns {', '.join(COLUMNS)} into the catalogue: all of it, or nothing if a line "
        "is wrong. Products with a known purchase_url are replaced; products that are not in the file stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the file and the options."""
        parser.add_argument("file", type=Path, nargs="?", help="the CSV file")
        parser.add_argument("--encoding", choices=ENCODINGS, default=ENCODINGS[0], help=f"default: {ENCODINGS[0]}")
        parser.add_argument("--synthetic", action="store_true", help="the SYNTHETIC products of this project instead")
        parser.add_argument("--if-empty", action="store_true", help="only if the catalogue has no product")
        parser.add_argument("--no-progress", action="store_true", help="no progress bar")

    def handle(
        self,
        *args: Any,
        file: Path | None,
        encoding: str,
        synthetic: bool,
        if_empty: bool,
        no_progress: bool,
        **options: Any,
    ) -> None:
        """Imports them, and prints how many."""
        if synthetic == (file is not None):
            raise CommandError("Name one file, or give --synthetic.")
        if if_empty and CatalogueProduct.objects.exists():
            return
        path = file or SYNTHETIC
        try:
            with path.open("rb") as opened:
                self._import(
                    opened, path.name, encoding, quiet=True if no_progress else None
                )  # None: unless standard error is a terminal
        except OSError as exc:
            raise CommandError(f"{path} can't be read ({exc.strerror}): check its name and its permissions.") from exc
        except FileRefused as exc:
            raise CommandError(_described(exc)) from exc

    def _import(self, file: BinaryIO, name: str, encoding: str, *, quiet: bool | None) -> None:
        total = importing.check(file, encoding)
        with tqdm(total=total, unit="product", unit_scale=True, disable=quiet) as progress:
            done = importing.write(file, encoding, progress.update)
        self.stdout.write(f"{name}: {done.new:,} new products, {done.replaced:,} replaced")


def _described(exc: FileRefused) -> str:
    lines = [f"{error.pointer}: {error.detail}" for error in exc.field_errors]
    more = [f"… only the first {MOST_FAULTS} are shown"] if len(lines) == MOST_FAULTS else []
    return "\n".join([exc.detail, *lines, *more])
