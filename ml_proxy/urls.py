"""Paths under `/ml/v1/`."""

from django.urls import path

from ml_proxy.views.accuracy import AccuracyList
from ml_proxy.views.dataset import DataSet
from ml_proxy.views.export import Export
from ml_proxy.views.files import NAME, FileContent
from ml_proxy.views.history import History, Inference
from ml_proxy.views.jobs import JobCancel, JobDetail, JobList
from ml_proxy.views.passthrough import model_info_view, retrain_view, status_view
from ml_proxy.views.predict import predict_view
from ml_proxy.views.tracking import LogPrediction, Run
from ml_proxy.views.verdicts import Feedback

urlpatterns = [
    path("predict/", predict_view, name="predict"),
    path("status/", status_view, name="status"),
    path("model-info/", model_info_view, name="model-info"),
    path("retrain/", retrain_view, name="retrain"),
    path("retrain/jobs/", JobList.as_view(), name="jobs"),
    path("retrain/jobs/<uuid:job_id>/", JobDetail.as_view(), name="job"),
    path("retrain/jobs/<uuid:job_id>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("history/", History.as_view(), name="history"),
    path("history/export/", Export.as_view(), name="export"),
    path("history/<uuid:inference_id>/", Inference.as_view(), name="inference"),
    path("history/<uuid:inference_id>/feedback/", Feedback.as_view(), name="feedback"),
    path("files/<str:token>/", FileContent.as_view(), name=NAME),
    path("dataset/", DataSet.as_view(), name="dataset"),
    path("accuracy/", AccuracyList.as_view(), name="accuracy"),
    path("mlflow/log-prediction/", LogPrediction.as_view(), name="log-prediction"),
    path("mlflow/runs/<slug:run_id>/", Run.as_view(), name="mlflow-run"),
]
