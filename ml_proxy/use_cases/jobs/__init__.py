"""Retrains: one at a time, whoever starts them. A job's row exists before anything is queued, and the row is the truth.

    queued ──claimed by a runner, under a lease──▶ running ──▶ succeeded | failed | cancelled
       ▲                                             │
       └────── the lease ran out: once more ─────────┘

`orders` reads what is asked for, `starting` makes jobs, `running` does their work, `handing` adds what doctors judged,
`heart` holds the lease meanwhile, `ending` ends them, and `sweeping` finds what was lost: messages, and runners that
died.
"""

from ml_proxy.use_cases.jobs.ending import cancel
from ml_proxy.use_cases.jobs.finding import JobConflict, find
from ml_proxy.use_cases.jobs.orders import Order, read_order
from ml_proxy.use_cases.jobs.running import retrain_now, run
from ml_proxy.use_cases.jobs.starting import start, start_scheduled
from ml_proxy.use_cases.jobs.sweeping import look_after

__all__ = [
    "JobConflict",
    "Order",
    "cancel",
    "find",
    "look_after",
    "read_order",
    "retrain_now",
    "run",
    "start",
    "start_scheduled",
]
