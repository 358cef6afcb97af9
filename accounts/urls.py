"""Paths under `/accounts/`."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from accounts.pages.access_log import access_log_page
from accounts.pages.account import ChangePassword, account_page
from accounts.pages.session import one_click, own_token, own_tokens, session
from accounts.pages.sign_in import OneClick, SignIn, SignOut
from accounts.pages.tokens import new_token, revoke_token

urlpatterns: list[URLPattern | URLResolver] = [
    path("", account_page, name="account"),
    path("login/", SignIn.as_view(), name="login"),
    path("login/one-click/", OneClick.as_view(), name="one-click"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("tokens/", new_token, name="new-token"),
    path("tokens/<id:token_id>/revoke/", revoke_token, name="revoke-token"),
    path("session/", session, name="session"),
    path("session/one-click/", one_click, name="session-one-click"),
    path("session/tokens/", own_tokens, name="session-tokens"),
    path("session/tokens/<id:token_id>/", own_token, name="session-token"),
    path("access-log/", access_log_page, name="access-log-page"),
    path("password/", ChangePassword.as_view(), name="password"),
]
if settings.OIDC_ISSUER:
    urlpatterns.append(path("oidc/", include("accounts.oidc.urls")))
