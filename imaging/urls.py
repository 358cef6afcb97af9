"""Paths under `/ai/`."""

from django.urls import path

from imaging.generation.kind import DESK_PHOTO
from imaging.services import DRAWERS
from imaging.services.storage import VIEW
from imaging.source import PROVIDER_CALLS
from imaging.views import generated
from imaging.views.classify import Classify
from imaging.views.info import Healthcheck, Info
from imaging.views.stored_picture import StoredPicture
from jobs.urls import paths as job_paths
from recording.urls import paths

urlpatterns = [
    path("classify/", Classify.as_view(), name="classify-desk"),
    path("info/", Info.as_view(), name="imaging-info"),
    path("healthcheck/", Healthcheck.as_view(), name="imaging-healthcheck"),
    path("pictures/<str:token>/", StoredPicture.as_view(), name=VIEW),
    *(path(f"generated/{version}/", generated.view(version, has_id=False)) for version in DRAWERS),
    *(path(f"generated/{version}/<id:job_id>/", generated.view(version, has_id=True)) for version in DRAWERS),
    *job_paths(DESK_PHOTO, "jobs/", None, has_events=True),
    *paths(PROVIDER_CALLS, "calls/"),
]
