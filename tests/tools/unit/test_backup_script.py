"""`scripts/backup` deletes old backups. A dump by PostgreSQL is in `tests/acceptance/test_backup.py`."""

import os
import subprocess
import time
from pathlib import Path

from tests.support.system import ROOT

DAY = 86_400  # seconds


def test_a_clock_that_is_years_ahead_does_not_delete_all_backups(tmp_path: Path) -> None:
    """To this script, it is the same if the backups are years old."""
    programs, backups = tmp_path / "bin", tmp_path / "old backups"
    programs.mkdir()
    pg_dump = programs / "pg_dump"
    pg_dump.write_text("#!/bin/sh\n")
    pg_dump.chmod(0o700)
    kept = [backups / f"2026010{day}T013000Z" for day in range(1, 7)]
    for folder in kept:
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - 400 * DAY,) * 2)
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", "VAR_DIR": str(tmp_path / "var")}
    for deleted in (2, 4):
        command = ["sh", str(ROOT / "scripts" / "backup"), str(backups)]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert [folder for folder in kept if folder.exists()] == kept[deleted:]
