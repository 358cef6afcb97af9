"""`celery -A worker.logs worker --queues logs`: short and many. Writes the log."""

from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from ml_proxy import courier
from ml_proxy.use_cases.writing import write_batch
from worker.app import make_app

# Acknowledged early: the journal sends again whatever has no receipt in time.
app = make_app("logs", visibility_timeout=300)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)


class DatabaseAway(Exception):
    """The rows were not written; the journal still has them and sends them again. Holds no row's text."""


@app.task(name=courier.WRITE_RECORDS, ignore_result=True, throws=(DatabaseAway,))
def write_records(origin: str, first: int, records: list[str]) -> None:
    """Writes one message's records as rows, and their receipt."""
    try:
        write_batch(origin=UUID(origin), first=first, payloads=records)
    except (OperationalError, InterfaceError) as exc:
        connection.close()
        raise DatabaseAway(f"no database ({type(exc).__name__}): {len(records)} records will come again") from None
