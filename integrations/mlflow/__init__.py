"""Sends inferences and retrains to MLflow; off unless MLFLOW_TRACKING_URI is set.

    rows, a job's end ──same transaction──▶ `MlflowOutbox` ──▶ batch ──MLflow has it──▶ deleted
                                                                └── refused three times ──▶ aside

`outbox` keeps what MLflow does not have, `follower` sends it, `on_demand` answers who asks for a run. `entries` makes
runs of inferences and jobs, `runs` logs them, and `client` speaks MLflow's REST API.
"""
