"""`manage.py generate_test_databases`: four synthetic databases to ask questions of."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.exceptions import GatewayError
from text_to_sql.models import Database
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
            "--url",
            type=os.path.expandvars,
            help="mysql://user:password@host:3306/ or postgresql://…/postgres, with the right to create; '$NAME' is "
            "filled in from the environment, so that no password is on the command line",
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed and day give the same rows (1)")
        parser.add_argument(
            "--until", type=dt.date.fromisoformat, help="the last day of the data, such as 2026-11-30 (today)"
        )
        parser.add_argument(
            "--register",
            action="store_true",
            help="register them, and take their tables in; on a server, by a new role test_reader that may only read",
        )
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="only if no database is registered; if theirs are, files of an earlier day are written again",
        )

    def handle(
        self,
        *args: Any,
        url: str | None,
        seed: int,
        until: dt.date | None,
        register: bool,
        if_empty: bool,
        **options: Any,
    ) -> None:
        """Creates them, and prints what there is."""
        from text_to_sql import demo_databases  # noqa: PLC0415 - Faker is loaded only here

        if if_empty and not demo_databases.is_wanted():
            return
        register = register and not (if_empty and Database.objects.exists())
        connections = self._write(url, seed, until or dt.datetime.now(dt.UTC).date())
        if register:
            self._register(_readers(url) if url else connections)

    def _write(self, url: str | None, seed: int, today: dt.date) -> dict[str, Mapping[str, Any]]:
        """Writes the databases; returns how to connect to the files."""
        from text_to_sql.demo_databases import file_of  # noqa: PLC0415 - as above
        from text_to_sql.test_databases import loading  # noqa: PLC0415

        folder = Path(settings.SQLITE_FOLDER)
        for made in loading.write_server(url, seed, today) if url else loading.write_sqlite(folder, seed, today):
            self.stdout.write(f"{made}: synthetic rows up to {today} (seed {seed})")
        return {name: {"engine": "sqlite", "db": file_of(name)} for name in NAMES}

    def _register(self, connections: Mapping[str, Mapping[str, Any]]) -> None:
        from text_to_sql.demo_databases import register  # noqa: PLC0415 - as above

        for name, connection in connections.items():
            try:
                self.stdout.write(f"database {register(name, connection).pk}: test_{name}, {KOREAN_NAMES[name]}")
            except GatewayError as exc:
                wrong = "; ".join(each.detail for each in exc.field_errors)
                raise CommandError(f"test_{name} can't be registered: {exc.detail} {wrong}".strip()) from exc


def _readers(url: str) -> dict[str, Mapping[str, Any]]:
    from text_to_sql.test_databases.readers import make_reader  # noqa: PLC0415 - as above

    connection = make_reader(url)
    return {name: {**connection, "db": f"test_{name}"} for name in NAMES}
