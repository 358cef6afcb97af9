"""`manage.py seed_demo`: fills the log with invented people and real answers, to try the gateway on."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from tqdm import tqdm

from ml_proxy import demo
from ml_proxy.models import InferenceLog

INTERRUPTED = 130  # what shells give for Ctrl-C


class Command(BaseCommand):
    """Adds synthetic rows."""

    help = (
        "Adds rows to the log for demonstrations and tests. Everybody in them is SYNTHETIC: doctors' and patients' "
        "names are put together at random from lists of common family and given names, and no real person is meant. "
        f"Each row's caller is '{demo.CALLER}', so that they can be told from others. The answers are real: the model "
        "server at ML_SERVER_URL is asked for at most a few hundred predictions, varied around its own example "
        "within its input schema, and each is used for many rows, with the latency that was measured; so 100,000 "
        "rows take seconds. Each run adds its rows to what is there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("--rows", type=int, required=True, help="how many rows to add, 1 or more")
        parser.add_argument("--seed", type=int, help="the same seed gives the same people and inputs")
        parser.add_argument(
            "--days", type=int, default=30, help="over how many days up to now, in a clinic's hours (30)"
        )

    def handle(self, *args: Any, rows: int, seed: int | None, days: int, **options: Any) -> None:
        """Adds the rows and says how many there are now."""
        with _told_in_one_line():
            plan = demo.Plan(rows=rows, seed=secrets.randbelow(2**31) if seed is None else seed, days=days)
            pool = self._ask_model(plan)
            written = self._write(plan, pool)
            total = InferenceLog.objects.count()
        model = f"{pool[0].model_name or 'the model'} {pool[0].model_version}".rstrip()
        answers = f"{len(pool):,} distinct answers of {model}"
        self.stdout.write(
            f"{written:,} synthetic rows added (seed {plan.seed}, {answers}); the log holds {total:,} rows now."
        )
        if written < rows:
            raise CommandError("Stopped before all rows were written.", returncode=INTERRUPTED)

    def _ask_model(self, plan: demo.Plan) -> list[demo.Exchange]:
        exchanges = demo.ask_model(plan.exchanges, plan.randomness("inputs"))
        return list(tqdm(exchanges, "asking the model", plan.exchanges, disable=None, leave=False))

    def _write(self, plan: demo.Plan, pool: list[demo.Exchange]) -> int:
        """Gives how many rows were committed: fewer than planned after Ctrl-C."""
        written = 0
        with tqdm(desc="writing rows", total=plan.rows, unit="row", unit_scale=True, disable=None) as bar:
            try:
                for count in demo.write(plan, pool):
                    written += count
                    bar.update(count)
            except KeyboardInterrupt:
                pass  # what is committed stays, and is told
        return written


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """What goes wrong in the block as Django's command line tells it: one line, without a traceback."""
    try:
        yield
    except demo.CannotSeed as exc:
        raise CommandError(str(exc)) from exc
    except (DatabaseError, InterfaceError) as exc:
        mend = "see that DATABASE_URL is right and that `manage.py migrate` has run"
        raise CommandError(f"The database did not take the rows ({type(exc).__name__}): {mend}.") from exc
    except KeyboardInterrupt:
        raise CommandError("Stopped.", returncode=INTERRUPTED) from None
