"""`celery -A worker.logs worker --queues logs`: short and many. Writes the log."""

from django.db import InterfaceError, OperationalError, connection

from ml_proxy import courier
from ml_proxy.batches import Batch
from ml_proxy.use_cases.writing import write_batch
from worker.app import make_app

# Acknowledged early: the journal sends again whatever has no receipt in time.
app = make_app("logs", visibility_timeout=300)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)


class DatabaseAway(Exception):
    """The rows were not written; the journal still has them and sends them again. Holds no row's text."""


@app.task(name=courier.WRITE_RECORDS, ignore_result=True, throws=(DatabaseAway,))
def write_records(origin: str, host: str, key_id: str, first: int, records: list[tuple[str, str, str]]) -> None:
    """Settles one message's records."""
    batch = Batch.from_message(origin=origin, host=host, key_id=key_id, first=first, records=records)
    try:
        write_batch(batch)
    except (OperationalError, InterfaceError) as exc:
        connection.close()
        raise DatabaseAway(f"no database ({type(exc).__name__}): {batch} will come again") from None
