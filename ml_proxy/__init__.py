"""Predictions: forwarding to the model server, history, export, feedback and retrains."""
