"""Cuts off callers whose body is late, and those who do not read their answer.

The kernel does the latter by itself (TCP_USER_TIMEOUT). For the former, a thread blocks in granian until the body is
there. If the connection is shut down for reading, that read ends, and the caller still gets the answer 408.

WSGI does not name the connection of a request. The watchdog finds the connections of an address with late bodies that
were silent on our side all the while, and spares those that may belong to another request of the same address.
"""

import logging
import math
import socket
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from common.conf import settings
from tools.launch.admission.exchanges import Exchange
from tools.launch.admission.sockets import Connection, connections, sockets

PERIOD_SECONDS = 0.5
TOLERANCE_SECONDS = 2 * PERIOD_SECONDS  # between a request's begin and the first look at its connection
ARRIVAL_SECONDS = 5.0  # at most, between a request's arrival in the kernel and its begin here
JITTER_SECONDS = 0.25  # of the times that the kernel tells
ACCEPT_SECONDS = 2.0  # at most, until a connection is accepted
CONTINUE_SECONDS = 1.0  # at most, between a request's begin and its "100 Continue"
CROWD = 256  # waiting bodies; beyond, the deadline is a quarter
CROWDED_PART = 4

log = logging.getLogger(__name__)


class _Silence(NamedTuple):
    """A connection to which nothing was sent since `since`, and which may wait for an answer."""

    since: float
    connection: Connection


class Watchdog(threading.Thread):
    """Watches the requests in `exchanges`, which other threads change."""

    def __init__(self, exchanges: set[Exchange]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._exchanges = exchanges
        self._silences: dict[int, _Silence] = {}  # by inode

    def run(self) -> None:
        """Runs for ever."""
        self._limit_readers()
        while True:
            time.sleep(PERIOD_SECONDS)
            try:
                self._look(time.monotonic())
            except Exception:
                log.exception("the watchdog of slow callers failed; it tries again")

    def _limit_readers(self) -> None:
        """Sets how long a connection may take no data; connections inherit it from the listening socket.

        A connection that was made before, and may be accepted a moment later, gets its own.
        """
        milliseconds, ends_at = int(settings.READER_SECONDS * 1000), math.inf
        while time.monotonic() < ends_at:  # granian begins to listen soon
            for each in sockets(settings.GATEWAY_PORT):
                with suppress(OSError):  # closed meanwhile
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
                    ends_at = min(ends_at, time.monotonic() + ACCEPT_SECONDS)
            time.sleep(0.02)

    def _look(self, now: float) -> None:
        exchanges = list(self._exchanges)
        waiting = [each for each in exchanges if not each.complete_at and now - each.begun_at > PERIOD_SECONDS / 2]
        if not waiting:
            self._silences.clear()
            return
        self._listen(now)
        seconds = settings.BODY_SECONDS / (CROWDED_PART if len(waiting) > CROWD else 1)
        overdue = {each for each in waiting if each.is_overdue(now, seconds)}
        for address in {each.address for each in overdue}:
            here = [each for each in exchanges if each.address == address]
            late = [each for each in here if each in overdue]
            since = max(max(each.begun_at for each in late) + TOLERANCE_SECONDS, now - seconds)
            self._cut(address, since, late, [each for each in here if each not in overdue])

    def _listen(self, now: float) -> None:
        """Notes the connections to which nothing was sent since data came from them."""
        found = {}
        for each in connections(settings.GATEWAY_PORT):
            if each.is_unanswered is not False:
                before = self._silences.get(each.inode)
                found[each.inode] = _Silence(before.since if before and _goes_on(before, each) else now, each)
        self._silences = found

    def _cut(self, address: str, since: float, late: list[Exchange], others: list[Exchange]) -> None:
        """Shuts down the address' connections that were silent since then; each late body is marked first."""
        for each in (*late, *(each for each in others if _is_nearly_late(each, since))):
            each.is_late = True
        for connection in connections(settings.GATEWAY_PORT):
            if connection.address == address and (
                (self._is_silent(connection, since) and not any(may_own(each, connection) for each in others))
                or _was_told_to_continue(connection, late, others)
            ):
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RD)

    def _is_silent(self, connection: Connection, since: float) -> bool:
        known = self._silences.get(connection.inode)
        return known is not None and known.since <= since and _goes_on(known, connection)


def _is_nearly_late(exchange: Exchange, since: float) -> bool:
    """Whether its connection may be cut off with the late ones, which began a moment before."""
    return not exchange.complete_at and not exchange.received and exchange.begun_at <= since


def _was_told_to_continue(connection: Connection, late: list[Exchange], others: list[Exchange]) -> bool:
    """Whether the last data to the caller was probably "100 Continue" for one of the late bodies.

    It may also be the last data of an idle connection, which may be closed. It may not be that of a stream that pauses.
    """
    if connection.is_unanswered or any(each.is_streamed for each in others):
        return False
    return any(each.expects_continue and abs(connection.sent_at - each.begun_at) < CONTINUE_SECONDS for each in late)


def _goes_on(before: _Silence, connection: Connection) -> bool:
    """Whether the connection still waits for the same answer."""
    then = before.connection
    is_still = then.is_unanswered or then.bytes_received == connection.bytes_received
    return is_still and then.bytes_sent == connection.bytes_sent


def may_own(exchange: Exchange, connection: Connection) -> bool:
    """Whether the connection may be that of the exchange, whose body is complete or not late yet."""
    if exchange.complete_at:
        begin, end = exchange.begun_at - ARRIVAL_SECONDS, exchange.complete_at + JITTER_SECONDS
        return begin <= connection.received_at <= end
    return bool(exchange.received) and connection.bytes_received >= exchange.received
