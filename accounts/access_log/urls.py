"""Paths of the access log under `/ml/v1/`."""

from django.urls import path

from accounts.access_log.views import AccessLogExport, AccessLogList

urlpatterns = [
    path("access-log/", AccessLogList.as_view(), name="access-log"),
    path("access-log/export/", AccessLogExport.as_view(), name="access-log-export"),
]
