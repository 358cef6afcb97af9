"""Checks for used ports before any process starts, so that one error line can name the variable to change."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from backend.env import BadSetting
from tools.launch import addresses


def check_free(names: Sequence[str]) -> None:
    """Raises `BadSetting` for the first of these processes whose port is not available."""
    listeners = addresses.listeners()
    with ExitStack() as held:  # all at once, to detect a port that is set twice
        for name in names:
            if name in listeners:
                held.enter_context(_listener(*listeners[name]))


def _listener(variable: str, host: str, port: int) -> socket.socket:
    family, address = _resolved(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as exc:
        listener.close()
        wrong = f"can't be {port} on {host} ({exc.strerror})"
        raise BadSetting(variable, wrong, f"free that port or set another {variable}") from None
    return listener


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as exc:
        raise BadSetting("BIND_HOST", f"can't be {host!r} ({exc.strerror})", "set it to 127.0.0.1") from None
    return family, address
