"""Measures history's look-ups by name on SQLite and PostgreSQL, without and with `DATA_KEYS`.

    python -m tools.benchmarks.names --rows 200000

Each variant is a database of its own, all filled at once. Then they take turns, round by round, each in a new
process. The figures are CPU time, of this process and of PostgreSQL's, because wall time on a busy machine says little.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import islice, product
from pathlib import Path
from typing import Any

import django
from tqdm import tqdm

from tests.support.postgres import Postgres
from tests.support.system import ROOT
from tools.benchmarks.scale.database import environment
from tools.benchmarks.tables import Table
from tools.exit_signals import exit_on_signals

Names = dict[str, dict[str, str]]  # the parameters of a look-up, by what it looks up
Figures = dict[str, float]  # milliseconds, by what was looked up

CHUNK = 5000  # rows in one transaction


def fill(rows: int) -> Names:
    """Writes rows, sealed and encrypted as the log's worker does. Returns the names to look up. In a child process."""
    from django.core.management import call_command  # noqa: PLC0415 - needs django.setup()
    from django.db import connection  # noqa: PLC0415 - as above

    from common.ids import uuid7  # noqa: PLC0415 - as above
    from ml_proxy.models import InferenceLog  # noqa: PLC0415 - as above
    from ml_proxy.source import INFERENCES  # noqa: PLC0415 - as above
    from recording.ingestion import rows_of  # noqa: PLC0415 - as above
    from recording.seals import keyring  # noqa: PLC0415 - as above
    from tools.benchmarks.scale.bulk_load import numbered  # noqa: PLC0415 - as above
    from tools.benchmarks.scale.synthetic import records  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0)
    key, origin = keyring().current, uuid7()
    sealed = numbered(records(0, rows), origin, key)
    while chosen := rows_of(INFERENCES, islice(sealed, CHUNK), origin, key):
        InferenceLog.objects.bulk_create(chosen)  # type: ignore[arg-type] # the source's rows are of its model
    if connection.vendor == "postgresql":  # as autovacuum does after a while
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
    return _names(rows)


def _names(rows: int) -> Names:
    from tools.benchmarks.scale.synthetic import records  # noqa: PLC0415 - needs django.setup()

    people = [(record.doctor_name, record.patient_name) for record in records(0, rows)]
    doctor = Counter(doctor for doctor, _ in people).most_common(1)[0][0]
    patients = [name for name, _ in Counter(patient for _, patient in people).most_common()]
    return {
        "nobody": {"patient": "nobody has this name"},  # what the name costs, without rows
        "a patient": {"patient": patients[len(patients) // 10]},
        "the most frequent patient": {"patient": patients[0]},
        "the busiest doctor": {"doctor": doctor},
    }


def measure(names: Names, looks: int) -> Figures:
    """The CPU time of a page of history by each name. In a child process."""
    from common.row_scope import EVERYTHING  # noqa: PLC0415 - needs django.setup()
    from ml_proxy.history import HISTORY, wanted  # noqa: PLC0415 - as above

    found = {}
    for what, each in names.items():
        query = wanted(scope=EVERYTHING, **each)  # type: ignore[arg-type] # all of them are names
        rows = len(HISTORY.page(query).rows)  # this one also reads the look-up key and prepares the statements
        started = _cpu_seconds()
        for _ in range(looks):
            HISTORY.page(query)
        found[f"{what}, {rows} rows"] = (_cpu_seconds() - started) / looks * 1000
    return found


def _cpu_seconds() -> float:
    """CPU time so far of this process, and of the process of PostgreSQL that serves it."""
    from django.db import connection  # noqa: PLC0415 - needs django.setup()

    if connection.vendor != "postgresql":
        return time.process_time()
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return time.process_time() + int(server.read_text().split()[0]) / 1e9


def main() -> int:
    """Fills the databases, measures them, and prints a table."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.names", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--looks", type=int, default=200, help="look-ups of each kind in a round")
    parser.add_argument("--names", type=json.loads, help=argparse.SUPPRESS)  # for the child that measures
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)  # for the child that fills
    options = parser.parse_args()
    if options.fill or options.names:
        django.setup()
        print(json.dumps(fill(options.rows) if options.fill else measure(options.names, options.looks)))
        return 0
    with tempfile.TemporaryDirectory(prefix="ml-proxy-names-") as folder, ExitStack() as stack:
        table = _compared(options, dict(_environments(Path(folder), stack)))
    print("\n".join(table.lines()))
    return 0


def _environments(folder: Path, stack: ExitStack) -> Iterator[tuple[str, dict[str, str]]]:
    """The settings of each variant, by its name."""
    server = stack.enter_context(closing(Postgres(folder / "postgres")))
    data_key = base64.b64encode(os.urandom(32)).decode()
    for number, (database, keys) in enumerate(product(("SQLite", "PostgreSQL"), ("clear", "DATA_KEYS"))):
        state = folder / f"var{number}"
        state.mkdir(mode=0o700)
        url = server.make_database(f"names{number}") if database == "PostgreSQL" else ""
        settings = environment(state, url) | {"DATA_KEYS": data_key if keys == "DATA_KEYS" else ""}
        yield f"{database}, {keys}", {**os.environ, **settings}


def _compared(options: argparse.Namespace, settings: Mapping[str, dict[str, str]]) -> Table:
    with ThreadPoolExecutor() as pool:
        filled = pool.map(lambda each: _child(["--fill", f"--rows={options.rows}"], each), settings.values())
        names = [*tqdm(filled, desc="filling", total=len(settings), unit="database")].pop()  # the same in each
    rounds: dict[str, list[Figures]] = {variant: [] for variant in settings}
    for _ in tqdm(range(options.rounds), desc="measuring", unit="round"):
        for variant, each in settings.items():
            rounds[variant].append(_child([f"--looks={options.looks}", f"--names={json.dumps(names)}"], each))
    looks = rounds[next(iter(rounds))][0]
    lines = [[look, *(f"{min(each[look] for each in found):.3f}" for found in rounds.values())] for look in looks]
    title = f"ms of CPU for a page of history, {options.rows:,} rows, the best of {options.rounds} rounds"
    return Table(title, ["by the name of", *settings], lines)


def _child(words: list[str], settings: Mapping[str, str]) -> Any:
    command = [sys.executable, "-m", "tools.benchmarks.names", *words]
    done = subprocess.run(command, cwd=ROOT, env=settings, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
