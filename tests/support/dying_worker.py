"""`celery -A tests.support.dying_worker worker`: the worker for jobs, which dies with the picture `DEADLY`.

One of its processes kills itself before each stage of that job is committed, and one after it; each time once.
"""

import os
import signal
from pathlib import Path
from typing import Any

from celery.signals import worker_process_init

from worker.jobs import app

__all__ = ["DEADLY", "app"]

DEADLY = "7.jpg"


@worker_process_init.connect
def _arm(**_: object) -> None:
    from jobs import stages  # noqa: PLC0415 - models load once Django is set up

    keep = stages._keep

    def deadly(job: Any, stage: str, *rest: Any) -> None:
        _die_once(job, f"before-{stage}")
        keep(job, stage, *rest)
        _die_once(job, f"after-{stage}")

    vars(stages)["_keep"] = deadly


def _die_once(job: Any, moment: str) -> None:
    if DEADLY in job.params:
        try:
            (Path(os.environ["VAR_DIR"]) / f"died-{moment}").open("x").close()
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
