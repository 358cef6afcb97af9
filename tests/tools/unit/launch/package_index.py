"""A package index on loopback that requires a password."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from tests.tools.unit.launch.project import sha256

USER, PASSWORD = "clinic", "a-secret-of-the-index"
AUTHORIZATION = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class PackageIndex(ThreadingHTTPServer):
    """Serves a folder of wheels, and records its clients.

    Attributes:
        delivers: while this is not set, downloads of wheels block.
        agents: the user agent for each downloaded wheel.
        leaks: command lines that contained the password meanwhile.
    """

    def __init__(self, wheels: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheels = wheels
        self.delivers = threading.Event()
        self.delivers.set()
        self.agents: list[str] = []
        self.leaks: list[list[str]] = []

    @property
    def url(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: PackageIndex

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != AUTHORIZATION:
            self._answer(401, b"")
        elif self.path.endswith(".whl"):
            self._send_wheel(self.server.wheels / self.path.rpartition("/")[2])
        else:
            found = sorted(self.server.wheels.glob(f"{Path(self.path).name}-*.whl"))
            links = (f'<a href="/files/{each.name}#sha256={sha256(each)}">{each.name}</a>' for each in found)
            self._answer(200 if found else 404, "\n".join(links).encode())

    def _send_wheel(self, wheel: Path) -> None:
        self.server.delivers.wait()
        self.server.agents.append(self.headers["User-Agent"])
        lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        self.server.leaks += [line for line in lines if PASSWORD in " ".join(line)]
        self._answer(200, wheel.read_bytes())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("WWW-Authenticate", 'Basic realm="packages"')
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._answer(405, b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def package_index(wheels: Path) -> Iterator[PackageIndex]:
    """Runs the index during the block."""
    with PackageIndex(wheels) as index:
        thread = threading.Thread(target=index.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield index
        finally:
            index.delivers.set()
            index.shutdown()
            thread.join()
