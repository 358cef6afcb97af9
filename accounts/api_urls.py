"""Paths of the app under `/ml/v1/`."""

from django.urls import path

from accounts.pages.account import Me

urlpatterns = [path("me/", Me.as_view(), name="me")]
