"""Sends inferences and retrains to MLflow; off unless MLFLOW_TRACKING_URI is set.

    rows, a job's end ──same transaction──▶ `MlflowOutbox` ──▶ batch ──sent──▶ deleted
                                                                └── refused three times ──▶ set aside

`outbox` holds what is not yet sent, `follower` sends it, and `on_demand` serves requests for single runs. `entries`
maps inferences and jobs to runs, `runs` logs them, and `client` calls MLflow's REST API.
"""
