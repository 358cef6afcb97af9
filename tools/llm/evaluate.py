"""`make evaluate`: asks the connected language model the published questions.

It is the model of LLM_BASE_URL, or else the one that `make llm` serves.
"""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tools.llm import endpoint

MANAGE = [sys.executable, str(Path(__file__).resolve().parents[2] / "manage.py")]


def main() -> None:
    """Becomes `manage.py evaluate_sql`, with the settings that connect it, and with a database of this version."""
    if not settings.LLM_BASE_URL:
        endpoint.adopt(Path(settings.VAR_DIR), os.environ)
    if subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], check=False).returncode:
        sys.exit(1)
    os.execv(sys.executable, [*MANAGE, "evaluate_sql", *sys.argv[1:]])  # noqa: S606 - no shell needed


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    main()
