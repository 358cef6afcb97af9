"""Notices that a caller hung up while its request runs.

WSGI does not name the connection of a request. The candidates are the caller's connections that waited for an answer
when the request was complete. The caller left if all of them are gone; one that is answered belonged to another
request. So a request is never taken for abandoned while its connection is open, but several callers behind one address
may hide that one of them left, until the others are answered.
"""

import logging
from collections.abc import Callable

from common.conf import settings
from tools.launch.admission.exchanges import Exchange
from tools.launch.admission.sockets import Connection, connections
from tools.launch.admission.watchdog import may_own

log = logging.getLogger(__name__)


def watch(exchange: Exchange) -> Callable[[], bool]:
    """Begins to watch; the function that it returns says whether the caller still waits."""
    candidates = {each.inode for each in _waiting(exchange)}
    if not candidates:
        return lambda: True
    return lambda: _is_there(exchange, candidates)


def _is_there(exchange: Exchange, candidates: set[int]) -> bool:
    try:
        found = {each.inode: each for each in connections(settings.GATEWAY_PORT)}
    except OSError as exc:
        log.warning("the connections of callers can't be listed (%s)", exc)
        return True
    answered = {inode for inode in candidates & found.keys() if found[inode].is_unanswered is False}
    candidates -= answered if len(answered) < len(candidates) else set()
    return any(inode in found and found[inode].is_open for inode in candidates)


def _waiting(exchange: Exchange) -> list[Connection]:
    return [each for each in connections(settings.GATEWAY_PORT) if _may_wait(exchange, each)]


def _may_wait(exchange: Exchange, connection: Connection) -> bool:
    is_of_caller = connection.address == exchange.address and connection.is_unanswered is not False
    return is_of_caller and may_own(exchange, connection)
