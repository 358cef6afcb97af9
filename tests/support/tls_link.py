"""A TCP proxy that speaks TLS to its clients, in front of a server that does not."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.certificate import self_signed


@contextmanager
def tls_link(target_port: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """Yields the port, and the file of the certificate for 127.0.0.1."""
    kept = folder / "link.pem"
    kept.write_text(self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kept)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, target_port), daemon=True).start()
        yield listener.getsockname()[1], kept
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, target_port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context, target_port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, target_port: int) -> None:
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", target_port)) as server,
        context.wrap_socket(client, server_side=True) as secured,
    ):
        back = threading.Thread(target=_carry, args=(server, secured), daemon=True)
        back.start()
        _carry(secured, server)
        back.join()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
