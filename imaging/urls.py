"""Paths under `/ai/`."""

from django.urls import path

from imaging.services.storage import VIEW
from imaging.source import PROVIDER_CALLS
from imaging.views.classify import Classify
from imaging.views.info import Healthcheck, Info
from imaging.views.stored_picture import StoredPicture
from recording.urls import paths

urlpatterns = [
    path("classify/", Classify.as_view(), name="classify-desk"),
    path("info/", Info.as_view(), name="imaging-info"),
    path("healthcheck/", Healthcheck.as_view(), name="imaging-healthcheck"),
    path("pictures/<str:token>/", StoredPicture.as_view(), name=VIEW),
    *paths(PROVIDER_CALLS, "calls/"),
]
