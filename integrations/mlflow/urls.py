"""Paths under `/ml/v1/mlflow/`."""

from django.urls import path

from integrations.mlflow.views import LogPrediction, Run

urlpatterns = [
    path("log-prediction/", LogPrediction.as_view(), name="log-prediction"),
    path("runs/<slug:run_id>/", Run.as_view(), name="mlflow-run"),
]
