"""`python -m tools.chaos.model`: a fast model server; each of its answers is different.

After SIGUSR1 it resets connections, after SIGUSR2 it answers again.
"""

import itertools
import os
import signal
import socket
import struct
import threading

from tests.support.model import Conversation, ScriptedModel

SIGNALS = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds


def serve(port: int) -> None:
    """Answers on loopback until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # new threads inherit this; the main thread waits for them
    resets, numbers = threading.Event(), itertools.count(1)
    model = ScriptedModel(port)

    def script(conversation: Conversation) -> None:
        model.requests.clear()
        if resets.is_set():
            _reset(conversation.sock)
        conversation.answer(
            b'{"model": {"name": "stub", "version": "1"}, "predictions": [{"label": "benign", "confidence": 0.93}], '
            b'"life": %d, "number": %d}' % (os.getpid(), next(numbers))
        )

    model.script = script
    while (number := signal.sigwait(SIGNALS)) != signal.SIGTERM:
        (resets.set if number == signal.SIGUSR1 else resets.clear)()
    model.close()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sock.close()


if __name__ == "__main__":
    serve(int(os.environ["ML_SERVER_PORT"]))
