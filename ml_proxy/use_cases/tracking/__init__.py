"""MLflow follows the log: at its own pace, at least once, and all that the log's own way has of it is one small row.

    rows, a job's end ──same transaction──▶ noted (`Untracked`) ──▶ batch ──MLflow has it──▶ gone
                                                                     └── refused three times ──▶ aside

`waiting` keeps what MLflow does not have, `following` brings it there, `asking` answers who asks for a run. They are
imported one by one, so that whoever writes the log loads `waiting` alone.
"""
