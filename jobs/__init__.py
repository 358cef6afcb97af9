"""Jobs: long runs of any kind that a caller can name, watch and cancel.

    queued ──claimed by a runner, under a lease──▶ running ──▶ succeeded | failed | cancelled
       ▲                                             │
       └────── the lease ran out: once more ─────────┘

A job's row exists before anything is queued, and the row is the truth. `kinds` is the registry of job kinds, `requests`
reads what is asked for, `submission` makes jobs, `runner` runs them, `heartbeat` holds the lease meanwhile,
`transitions` ends them, and `sweeper` finds lost messages and dead runners.
"""
