"""Paths under `/accounts/oidc/`. allauth looks them up by these names."""

from django.urls import path

from accounts.oidc import views
from accounts.oidc.provider import ID

_PROVIDER = {"provider_id": ID}

urlpatterns = [
    path("login/", views.begin, _PROVIDER, name="openid_connect_login"),
    path("callback/", views.callback, _PROVIDER, name="openid_connect_callback"),
]
