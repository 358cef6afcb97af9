"""`manage.py publish`: the publisher as a process of its own, which keeps its work out of the gateway's."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from recording import publisher


class Command(BaseCommand):
    """Publishes the journal until it is stopped."""

    help = "Brings the journal's records to Celery until Ctrl-C or SIGTERM; waits while another process does."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until told to stop."""
        stop = threading.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: stop.set())
        publisher.run(stop)
