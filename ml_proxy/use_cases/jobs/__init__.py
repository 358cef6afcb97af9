"""Retrains: one at a time, whoever starts them. A job's row exists before anything is queued, and the row is the truth.

    queued ──claimed by a runner, under a lease──▶ running ──▶ succeeded | failed | cancelled
       ▲                                             │
       └────── the lease ran out: once more ─────────┘

`starting` makes jobs, `running` does their work, `heart` holds the lease meanwhile, `ending` ends them, and `sweeping`
finds what was lost: messages, and runners that died.
"""

from ml_proxy.use_cases.jobs.ending import cancel
from ml_proxy.use_cases.jobs.finding import JobConflict, find
from ml_proxy.use_cases.jobs.running import retrain_now, run
from ml_proxy.use_cases.jobs.starting import start, start_scheduled
from ml_proxy.use_cases.jobs.sweeping import look_after

__all__ = ["JobConflict", "cancel", "find", "look_after", "retrain_now", "run", "start", "start_scheduled"]
