"""Django permissions for predictions, history and feedback."""

PREDICT = "ml_proxy.add_inferencelog"
READ_HISTORY = "ml_proxy.view_inferencelog"
GIVE_FEEDBACK = "ml_proxy.add_feedback"
READ_FEEDBACK = "ml_proxy.view_feedback"
PROMOTE_MODEL = "ml_proxy.promote_model"
VIEW_METRICS = "ml_proxy.view_metrics"
EXPORT_DATASET = "ml_proxy.export_dataset"
