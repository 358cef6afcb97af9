"""The parts of a hostile testbed: the link to Redis, the journal's disk, and the product's clock."""

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tools.chaos.clock import Clock, NoClock
from tools.chaos.disk import Disk, NoDisk
from tools.chaos.link import Link


@pytest.fixture
def link() -> Iterator[Link]:
    """A link to a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=echo, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        with closing(Link(server.getsockname()[1])) as made:
            made.open()
            yield made
        server.shutdown(socket.SHUT_RDWR)


def echoed(link: Link, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", link.port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_the_link_forwards_all_bytes(link: Link) -> None:
    data = os.urandom(300_000)
    assert echoed(link, data) == data


def test_a_slow_link_takes_its_time(link: Link) -> None:
    data, started = os.urandom(4_000), time.monotonic()
    with link.slow(20_000):
        assert echoed(link, data) == data
    assert time.monotonic() - started >= 0.2


def test_a_closed_link_refuses_and_opens_again(link: Link) -> None:
    with link.closed(), pytest.raises(ConnectionRefusedError):
        echoed(link, b"x")
    assert echoed(link, b"x") == b"x"


def test_a_link_without_a_target_resets(link: Link) -> None:
    link._target = 1
    with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as the kernel is quick
        assert echoed(link, b"x") == b"x"


def test_a_disk_fails_fills_and_hangs_and_then_works(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    try:
        disk = Disk(tmp_path / "image", folder)
    except NoDisk as exc:
        pytest.skip(str(exc))
    with closing(disk), open(folder / "file", "wb", buffering=0, opener=synced) as file:
        with disk.failing():
            assert error_of(lambda: file.write(bytes(10_000))) == errno.EIO
        with disk.full():
            assert error_of(lambda: (folder / "other").write_bytes(bytes(10_000))) == errno.ENOSPC
        writer = threading.Thread(target=file.write, args=(b"x",))
        with disk.hanging():
            writer.start()
            writer.join(0.1)
            assert writer.is_alive()
        writer.join()
        assert error_of(lambda: file.write(bytes(10_000))) == 0
    assert not folder.is_mount()


def synced(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_DSYNC, 0o600)


def error_of(write: Callable[[], object]) -> int:
    try:
        write()
    except OSError as exc:
        return exc.errno or -1
    return 0


def test_a_stepped_clock_is_that_of_the_process_alone(tmp_path: Path) -> None:
    try:
        clock = Clock(tmp_path)
    except NoClock as exc:
        pytest.skip(str(exc))
    shown = "import time; time.sleep(0); print(time.time(), time.monotonic())"
    with clock.stepped(3600):
        done = subprocess.run([*clock.prefix, sys.executable, "-c", shown], capture_output=True, check=True)
    wall, monotonic = map(float, done.stdout.split())
    assert wall == pytest.approx(time.time() + 3600, abs=60)
    assert monotonic == pytest.approx(time.monotonic(), abs=60)
