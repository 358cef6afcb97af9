"""Whether records can be taken, and whether they become rows in time."""

from django.conf import settings

from common.health import Down
from recording import backlog, publisher, recorder
from recording.exceptions import NoRoom
from recording.journal import liveness


def journal() -> None:
    """Takes records. Raises `Down`."""
    try:
        with recorder.CapacityReservation(0):
            pass
    except NoRoom as exc:
        raise Down("No room for records is left.") from exc


def publisher_alive() -> None:
    """A publisher process serves this host's journal. Raises `Down`."""
    try:
        liveness.check(publisher.journal_folder())
    except liveness.NoPublisher as exc:
        raise Down(str(exc)) from exc
    except OSError as exc:
        raise Down(f"The journal can't be read ({type(exc).__name__}).") from exc


def log() -> str:
    """Rows follow in time. Raises `Down` where they are late.

    The cause is the publisher, Redis, a worker or the database.
    """
    try:
        found = backlog.glance(publisher.journal_folder())
    except OSError as exc:
        raise Down(f"The journal can't be read ({type(exc).__name__}).") from exc
    waiting = f"{found.waiting_bytes} bytes of records wait to be rows, the oldest for {found.oldest_seconds:.0f} s"
    if found.oldest_seconds > settings.LOG_LATE_SECONDS:
        raise Down(f"{waiting}: see whether a worker takes them.")
    return waiting if found.waiting_bytes else "up to date"
