"""The periodic tasks of desk photos."""

from celery import shared_task

from common.tasks import NoDatabase, database_needed
from imaging.generation import leftovers


@shared_task(name="imaging.tidy", ignore_result=True, send_events=False, throws=(NoDatabase,))
def tidy() -> None:
    """Deletes the leftovers of jobs that have ended."""
    with database_needed():
        leftovers.tidy()


@shared_task(name="imaging.delete_strays", ignore_result=True, throws=(NoDatabase,))
def delete_strays() -> None:
    """Deletes files that no job needs."""
    with database_needed():
        leftovers.delete_strays()
