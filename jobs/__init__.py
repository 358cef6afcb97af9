"""Jobs: long runs of any kind that a caller can name, watch and cancel.

    queued ──claimed by a runner, under a lease──▶ running ──▶ succeeded | failed | cancelled
       ▲                                             │
       └──────── lease expired: requeued ────────────┘

A job's row is written before its message is queued, and the row is the source of truth. `kinds` is the registry of job
kinds, `requests` parses request bodies, `submission` creates jobs, `runner` runs them, `heartbeat` renews the lease
during a run, `transitions` ends jobs, and `sweeper` recovers lost messages and jobs whose runner died.
"""
