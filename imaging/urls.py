"""Paths under `/ai/`."""

from django.urls import path

from imaging.source import PROVIDER_CALLS
from imaging.views.classify import Classify
from imaging.views.info import Healthcheck, Info
from recording.urls import paths

urlpatterns = [
    path("classify/", Classify.as_view(), name="classify-desk"),
    path("info/", Info.as_view(), name="imaging-info"),
    path("healthcheck/", Healthcheck.as_view(), name="imaging-healthcheck"),
    *paths(PROVIDER_CALLS, "calls/"),
]
