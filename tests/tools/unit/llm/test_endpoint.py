"""`make up` finds the local model by a private file, and only if it answers."""

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.llm import endpoint
from tools.llm.endpoint import Endpoint


class Handler(BaseHTTPRequestHandler):
    """Lists one model to who has the key."""

    def do_GET(self) -> None:
        is_known = self.headers["Authorization"] == "Bearer right" and self.path == "/v1/models"
        self.send_response(200 if is_known else 401)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "tiny"}]} if is_known else {}).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_it_is_found_and_connected(tmp_path: Path, url: str) -> None:
    endpoint.write(tmp_path, Endpoint(url, "right", "tiny"))
    environment = {"LLM_MODEL": "other"}
    assert endpoint.adopt(tmp_path, environment) == Endpoint(url, "right", "tiny")
    wanted = {"LLM_BASE_URL": url, "LLM_API_KEY": "right", "LLM_MODEL": "tiny", "LLM_SMALL_MODEL": "1"}
    assert environment == wanted


@pytest.mark.parametrize(("key", "model"), [("wrong", "tiny"), ("right", "another")])
def test_another_server_is_left_alone(tmp_path: Path, url: str, key: str, model: str) -> None:
    endpoint.write(tmp_path, Endpoint(url, key, model))
    environment: dict[str, str] = {}
    assert endpoint.adopt(tmp_path, environment) is None
    assert environment == {}


def test_a_server_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    assert endpoint.adopt(tmp_path, {}) is None
    endpoint.write(tmp_path, Endpoint("http://127.0.0.1:1/v1", "right", "tiny"))
    assert endpoint.adopt(tmp_path, {}) is None


def test_the_key_is_private_and_stays(tmp_path: Path) -> None:
    key = endpoint.key_of(tmp_path)
    assert len(key) >= 32
    endpoint.write(tmp_path, Endpoint("http://127.0.0.1:1/v1", key, "tiny"))
    assert stat.S_IMODE(endpoint.file_of(tmp_path).stat().st_mode) == 0o600
    assert endpoint.key_of(tmp_path) == key
