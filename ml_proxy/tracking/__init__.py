"""What MLflow is told, and how; off unless MLFLOW_TRACKING_URI says where it is.

`client` speaks MLflow's REST API, `entries` makes of inferences and jobs what is logged, `runs` logs it. When is
for `use_cases.tracking`. It is all this project's own code, so there is no library to load where it is off.
"""
