"""`make evaluate`: asks the connected language model the published questions.

It is the model of LLM_BASE_URL, or else the one that `make llm` serves.
"""

import os
import sys
from pathlib import Path

from django.conf import settings

from tools.llm import endpoint

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Becomes `manage.py evaluate_sql`, with the settings that connect it."""
    if not settings.LLM_BASE_URL:
        endpoint.adopt(Path(settings.VAR_DIR), os.environ)
    os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), "evaluate_sql", *sys.argv[1:]])  # noqa: S606 - no shell needed


if __name__ == "__main__":
    main()
