"""`manage.py publish`: runs the publisher, a process of its own beside the gateway's."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from common.database_checks import refuse_unusable
from recording import publisher


class Command(BaseCommand):
    """Publishes the journal until it is stopped."""

    help = "Publishes the journal's records to Celery until Ctrl-C or SIGTERM. Waits while another publisher runs."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGINT or SIGTERM."""
        refuse_unusable()
        stop = publisher.StopRequest()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: stop.set())
        publisher.run(stop)
