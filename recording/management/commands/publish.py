"""`manage.py publish`: the publisher, a process of its own beside the gateway's."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from recording import publisher


class Command(BaseCommand):
    """Publishes the journal until it is stopped."""

    help = "Brings the journal's records to Celery until Ctrl-C or SIGTERM; waits while another process does."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until told to stop."""
        stop = publisher.StopRequest()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: stop.make())
        publisher.run(stop)
