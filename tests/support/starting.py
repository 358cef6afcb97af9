"""A process of its own that reads the settings, as everything here does when it starts."""

import subprocess
import sys
from pathlib import Path

from tests.support.system import ROOT

SERVER = {
    "DEBUG": "0",
    "ALLOWED_HOSTS": "clinic.example",
    "API_AUTH": "required",
    "SECRET_KEY": "s" * 32,
    "SEAL_KEY": "k" * 32,
}


def start(folder: Path, code: str = "import backend.settings", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` to its end, with `folder` for its state and these variables alone."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"VAR_DIR": str(folder), **variables},
        check=False,
        capture_output=True,
        text=True,
    )
