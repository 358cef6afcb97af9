"""The Celery application for Flower: that of beat. Flower counts the messages of a queue with our own client.

Flower's client knows no users on a Unix socket, no options of TLS, and only one Sentinel.
"""

import asyncio
from collections.abc import Iterable

from flower import views

from common import broker
from worker.beat import app

__all__ = ["app"]


class Queues:
    """Takes the place of Flower's `Broker`."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def queues(self, names: Iterable[str]) -> list[dict[str, str | int]]:
        """Name and number of waiting messages of each queue. Raises `BrokerUnavailable`, which Flower logs."""
        return [{"name": name, "messages": await asyncio.to_thread(broker.waiting, name)} for name in names]


views.Broker = Queues
