"""Runs code in a new process, which reads the settings at start."""

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


def run_with_settings(
    folder: Path, code: str = "import backend.settings", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs `code` with only these variables and `folder` as VAR_DIR."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"VAR_DIR": str(folder), "METRICS_DIR": str(folder / "metrics"), **variables},
        check=False,
        capture_output=True,
        text=True,
    )
