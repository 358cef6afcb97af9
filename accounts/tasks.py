"""The periodic task that deletes what is over: sessions, and failed sign-ins."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore

from accounts import lockout
from common.tasks import NoDatabase, database_needed


@shared_task(name="accounts.forget_old_sign_ins", ignore_result=True, throws=(NoDatabase,))
def forget_old_sign_ins() -> None:
    """Deletes expired sessions, and counters of failures that count no more."""
    with database_needed():
        SessionStore.clear_expired()
        lockout.forget_old()
