"""Health probes: whether records can be taken, and whether they become rows in time."""

from django.conf import settings

from common.health import Down
from recording import backlog, publisher, recorder
from recording.exceptions import NoRoom
from recording.journal import liveness


def journal() -> None:
    """Checks that the journal takes records. Raises `Down`."""
    try:
        with recorder.CapacityReservation(0):
            pass
    except NoRoom as exc:
        raise Down("No room is left for records.") from exc


def publisher_alive() -> None:
    """Checks that a publisher process serves this host's journal. Raises `Down`."""
    try:
        liveness.check(publisher.journal_folder())
    except liveness.NoPublisher as exc:
        raise Down(str(exc)) from exc
    except OSError as exc:
        raise Down(f"The journal can't be read ({type(exc).__name__}).") from exc


def log() -> str:
    """Checks that records become rows in time. Raises `Down` if they are late.

    Then the cause is the publisher, Redis, a worker or the database.
    """
    try:
        estimate = backlog.estimate(publisher.journal_folder())
    except OSError as exc:
        raise Down(f"The journal can't be read ({type(exc).__name__}).") from exc
    waiting = (
        f"{estimate.waiting_bytes} bytes of records are not yet rows, the oldest for {estimate.oldest_seconds:.0f} s"
    )
    if estimate.oldest_seconds > settings.LOG_LATE_SECONDS:
        raise Down(f"{waiting}: check that a worker is running.")
    return waiting if estimate.waiting_bytes else "up to date"
