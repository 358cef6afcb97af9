"""`make llm`: serves a language model on this machine in the foreground, until Ctrl-C.

Without MODEL it fetches the small open model Qwen2.5-Coder-1.5B (1.1 GB, Apache-2.0). `make up` finds it.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from common.parent_death import die_with_parent
from tools.launch import uv
from tools.launch.child import status_of
from tools.llm import download, endpoint
from tools.llm.endpoint import Endpoint
from tools.llm.exceptions import ModelUnavailable
from tools.llm.models import MODELS

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "llm.txt"
PORT = 8091
START_SECONDS = 300
MAGIC = b"GGUF"


def main() -> int:
    """Returns the exit status."""
    options = _arguments()
    state = Path(settings.VAR_DIR)
    try:
        path = _checked(options.model) if options.model else download.fetch(MODELS[options.size], state / "llm")
        return _serve(_environment(state), path, options.port, state)
    except ModelUnavailable as exc:
        print(f"ml-proxy: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            is_gguf = file.read(len(MAGIC)) == MAGIC
    except OSError as exc:
        raise ModelUnavailable(f"MODEL can't be read: {exc}") from None
    if not is_gguf:
        raise ModelUnavailable(f"MODEL must be a GGUF file, and {path} is none.")
    return path


def _environment(state: Path) -> Path:
    """The Python of an environment of its own, with the locked packages of requirements/llm.txt."""
    folder = state / "llm" / "venv"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists() or stamp.read_text() != LOCK.read_text():
        command, environment = uv.prepared(
            "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)
        )
        _require(status_of(command, environment), "an environment for the model's server can't be made")
        command, environment = uv.prepared(
            "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK)
        )
        _require(
            status_of(command, environment), f"{LOCK.name} can't be installed; is there a wheel for this platform?"
        )
        stamp.write_text(LOCK.read_text())
    return python


def _require(status: int, text: str) -> None:
    if status:
        raise ModelUnavailable(f"{text}: {download.OTHER}.")


def _serve(python: Path, path: Path, port: int, state: Path) -> int:
    """Runs the server until it ends or this process is stopped."""
    found = Endpoint(f"http://127.0.0.1:{port}/v1", endpoint.key_of(state), path.stem)
    command = [str(python), str(Path(__file__).with_name("server.py")), str(path), str(port), found.model]
    parent = os.getpid()
    child = subprocess.Popen(
        command,
        env=os.environ | {"LLM_API_KEY": found.key},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - this program is single-threaded
    )
    try:
        _wait_for(child, found)
        endpoint.write(state, found)
        print(f"ready {found.url} {found.model}: `make up` in another terminal finds it", flush=True)
        return child.wait()
    finally:
        child.terminate()
        child.wait()


def _wait_for(child: "subprocess.Popen[bytes]", found: Endpoint) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not found.answers():
        if child.poll() is not None or time.monotonic() > deadline:
            raise ModelUnavailable(
                f"The server did not start with {found.model} at {found.url}: is the port free, and the file whole?"
            )
        time.sleep(0.2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make llm", description=__doc__)
    parser.add_argument("--model", type=Path, help="a GGUF file of your own")
    parser.add_argument("--size", choices=sorted(MODELS), default="1.5b", help="which model to fetch (1.5b)")
    parser.add_argument("--port", type=int, default=PORT, help=f"the port on loopback ({PORT})")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    sys.exit(main())
