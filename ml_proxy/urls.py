"""Paths under `/ml/v1/`."""

from django.urls import path

from attachments import links
from jobs.urls import paths
from ml_proxy.insight.views import Agreement, Drift, Overview, Review
from ml_proxy.retrain.kind import RETRAIN
from ml_proxy.serializers import RETRAIN_BODY
from ml_proxy.views.accuracy import AccuracyList
from ml_proxy.views.dataset import DataSet
from ml_proxy.views.export import Export
from ml_proxy.views.feedback import FeedbackList
from ml_proxy.views.files import FileContent
from ml_proxy.views.history import History, Inference
from ml_proxy.views.passthrough import model_info_view, models_view, promote_view, retrain_view, status_view
from ml_proxy.views.predict import predict_view

urlpatterns = [
    path("predict/", predict_view, name="predict"),
    path("status/", status_view, name="status"),
    path("model-info/", model_info_view, name="model-info"),
    path("models/", models_view, name="models"),
    path("models/<str:name>/versions/<str:version>/promote/", promote_view, name="promote"),
    path("retrain/", retrain_view, name="retrain"),
    *paths(RETRAIN, "retrain/jobs/", RETRAIN_BODY),
    path("history/", History.as_view(), name="history"),
    path("history/export/", Export.as_view(), name="export"),
    path("history/<id:inference_id>/", Inference.as_view(), name="inference"),
    path("history/<id:inference_id>/feedback/", FeedbackList.as_view(), name="feedback"),
    path("files/<str:token>/", FileContent.as_view(), name=links.VIEW),
    path("dataset/", DataSet.as_view(), name="dataset"),
    path("accuracy/", AccuracyList.as_view(), name="accuracy"),
    path("insight/overview/", Overview.as_view(), name="insight-overview"),
    path("insight/accuracy/", Agreement.as_view(), name="insight-accuracy"),
    path("insight/drift/", Drift.as_view(), name="insight-drift"),
    path("insight/review/", Review.as_view(), name="insight-review"),
]
