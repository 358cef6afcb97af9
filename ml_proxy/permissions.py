"""The permissions that predictions and their log ask for, as Django names them."""

PREDICT = "ml_proxy.add_inferencelog"
READ_HISTORY = "ml_proxy.view_inferencelog"
GIVE_FEEDBACK = "ml_proxy.add_feedback"
READ_FEEDBACK = "ml_proxy.view_feedback"
EXPORT_DATASET = "ml_proxy.export_dataset"
