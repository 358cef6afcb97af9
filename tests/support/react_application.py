"""Makes a React application outside of this repository, which gets the client as a packed package."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.system import ROOT
from tools import node

PAGE = '<!doctype html><title>Outside</title><script type="module" src="/main.tsx"></script>'
INSTALLED = ("react", "react-dom", "@tanstack/react-query", "vite")  # in the versions that the lock file has


def build(folder: Path, source: Path) -> Path:
    """Packs the client, installs it into an application with this source, and returns the folder that was built."""
    assert node.install() == 0
    _npm(ROOT, "run", "build", "--workspace", "@ml-proxy/client")
    _npm(ROOT, "pack", "--ignore-scripts", "--workspace", "@ml-proxy/client", "--pack-destination", str(folder))
    packed = next(folder.glob("*.tgz"))
    locked = json.loads(node.LOCK.read_text())["packages"]
    versions = {name: locked[f"node_modules/{name}"]["version"] for name in INSTALLED}
    packages = {"dependencies": versions | {"@ml-proxy/client": f"file:{packed}"}}
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module", **packages}))
    (folder / "tsconfig.json").write_text('{"compilerOptions": {"jsx": "react-jsx"}}')
    (folder / "index.html").write_text(PAGE)
    shutil.copy(source, folder / "main.tsx")
    _npm(folder, "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
    _npm(folder, "exec", "--", "vite", "build", "--logLevel", "error")
    return folder / "dist"


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """Serves a folder on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _npm(folder: Path, *words: str) -> None:
    env = node.environment()
    program = shutil.which("npm", path=env["PATH"])
    assert program
    done = subprocess.run(
        [program, *words], cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
