"""`manage.py generate_test_databases`: four synthetic databases to ask questions of."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.exceptions import GatewayError
from text_to_sql.test_databases import KOREAN_NAMES, NAMES


class Command(BaseCommand):
    """Creates test databases."""

    help = (
        "Creates the databases test_ad, test_edu, test_ecommerce and test_hr, and fills them with SYNTHETIC data: no "
        "person or firm in them exists. Existing databases of these names are replaced. The default is SQLite files in "
        "SQLITE_FOLDER; --url names a MySQL, MariaDB or PostgreSQL server instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument(
            "--url", help="mysql://user:password@host:3306/ or postgresql://…/postgres, with the right to create"
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed and day give the same rows (1)")
        parser.add_argument(
            "--until", type=dt.date.fromisoformat, help="the last day of the data, such as 2026-11-30 (today)"
        )
        parser.add_argument(
            "--register", action="store_true", help="register the SQLite files, and take their tables in"
        )

    def handle(
        self, *args: Any, url: str | None, seed: int, until: dt.date | None, register: bool, **options: Any
    ) -> None:
        """Creates them, and prints what there is."""
        from text_to_sql.test_databases import loading  # noqa: PLC0415 - Faker is loaded only here

        today = until or dt.datetime.now(dt.UTC).date()
        if url and register:
            raise CommandError("--register is for SQLite files: register databases of a server with POST /ddp/db.")
        made = (
            loading.write_server(url, seed, today)
            if url
            else loading.write_sqlite(Path(settings.SQLITE_FOLDER), seed, today)
        )
        for database in made:
            self.stdout.write(f"{database}: synthetic rows up to {today} (seed {seed})")
        if register:
            self._register()

    def _register(self) -> None:
        from text_to_sql import demo_databases  # noqa: PLC0415 - as Faker

        for name in NAMES:
            try:
                database = demo_databases.register(name, f"test_{name}.sqlite3", f"test_{name}")
            except GatewayError as exc:
                raise CommandError(f"test_{name} can't be registered: {exc.detail}") from exc
            self.stdout.write(f"database {database.pk}: test_{name}, {KOREAN_NAMES[name]}")
