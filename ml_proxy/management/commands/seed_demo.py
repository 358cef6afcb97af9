"""`manage.py seed_demo`: fills the log with invented people and real model answers for demonstrations."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from tqdm import tqdm

from ml_proxy import demo
from ml_proxy.models import InferenceLog

INTERRUPTED = 130  # the shells' exit status for Ctrl-C


class Command(BaseCommand):
    """Adds synthetic rows."""

    help = (
        "Adds rows to the log for demonstrations and tests. All people in them are SYNTHETIC: doctors' and patients' "
        "names are random combinations of common family and given names and do not refer to real persons. Each row's "
        f"caller is '{demo.CALLER}', which identifies these rows. The answers are real: the command requests at most "
        "a few hundred predictions from the model server at ML_SERVER_URL, varied around its own example within its "
        "input schema. Each answer is used for many rows, with its measured latency, so 100,000 rows take seconds. "
        "Each run adds its rows to the existing ones. If no database is registered, the four test databases for "
        "questions in SQL are written and registered too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--rows", type=int, required=True, help="how many rows to add, 1 or more")
        parser.add_argument("--seed", type=int, help="the same seed produces the same people and inputs")
        parser.add_argument(
            "--days", type=int, default=30, help="spread the rows over this many days up to now, in clinic hours (30)"
        )

    def handle(self, *args: Any, rows: int, seed: int | None, days: int, **options: Any) -> None:
        """Adds the rows and prints the new total."""
        with _one_line_errors():
            plan = demo.Plan(rows=rows, seed=secrets.randbelow(2**31) if seed is None else seed, days=days)
            pool = self._ask_model(plan)
            written = self._write(plan, pool)
            total = InferenceLog.objects.count()
        model = f"{pool[0].model_name or 'the model'} {pool[0].model_version}".rstrip()
        answers = f"{len(pool):,} distinct answers of {model}"
        self.stdout.write(
            f"{written:,} synthetic rows added (seed {plan.seed}, {answers}); the log now has {total:,} rows."
        )
        call_command("generate_test_databases", "--register", "--if-empty", stdout=self.stdout)
        if written < rows:
            raise CommandError("Stopped before all rows were written.", returncode=INTERRUPTED)

    def _ask_model(self, plan: demo.Plan) -> list[demo.Exchange]:
        exchanges = demo.ask_model(plan.exchanges, plan.randomness("inputs"))
        return list(tqdm(exchanges, "calling the model", plan.exchanges, disable=None, leave=False))

    def _write(self, plan: demo.Plan, pool: list[demo.Exchange]) -> int:
        """Writes the rows. Returns how many were committed, which after Ctrl-C is fewer than planned."""
        written = 0
        with tqdm(desc="writing rows", total=plan.rows, unit="row", unit_scale=True, disable=None) as bar:
            try:
                for count in demo.write(plan, pool):
                    written += count
                    bar.update(count)
            except KeyboardInterrupt:
                pass  # committed rows stay, and are reported
        return written


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turns expected errors of the block into a `CommandError`, which Django prints as one line without a traceback."""
    try:
        yield
    except demo.CannotSeed as exc:
        raise CommandError(str(exc)) from exc
    except Error as exc:
        hint = "check DATABASE_URL, and that `manage.py migrate` has run"
        raise CommandError(f"The database can't store the rows ({type(exc).__name__}): {hint}.") from exc
    except KeyboardInterrupt:
        raise CommandError("Stopped.", returncode=INTERRUPTED) from None
