"""What allauth asks the project."""

from functools import partial
from typing import Any, NoReturn

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from accounts import session_info
from accounts.oidc import users
from accounts.oidc.exceptions import Cancelled, ProviderSignInError, ProviderUnavailable, StateLost
from accounts.oidc.provider import ID, Provider
from common.outbound import sessions
from common.outbound.deadline import budget

MAX_BYTES = 1024 * 1024  # of an answer of the provider


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth has no types
    """One provider, from the settings."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The client of the provider."""
        return SocialApp(
            provider=Provider.id,
            provider_id=ID,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={
                "server_url": settings.OIDC_ISSUER,
                "oauth_pkce_enabled": True,
                "scope": settings.OIDC_SCOPES,
            },
        )

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        """The provider."""
        return Provider(request, app=self.get_app(request, provider))

    def get_requests_session(self) -> requests.Session:
        """A session for one call, with the project's limits."""
        session = sessions.identity_provider()
        limits: Any = budget(settings.OIDC_TOTAL_SECONDS, most_bytes=MAX_BYTES)
        session.request = partial(session.request, timeout=limits)  # type: ignore[method-assign] # as allauth does
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Finds, links or creates the user. Raises `NoAccount`."""
        sociallogin.user = users.user_of(sociallogin.account, sociallogin.claims)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> NoReturn:
        """Raises a `ProviderSignInError`."""
        if error == AuthError.CANCELLED or "error" in request.GET:
            raise Cancelled("the provider's answer is an error")
        if exception is None:
            raise StateLost("the state is not one of this session")
        if isinstance(exception, ProviderSignInError):
            raise exception
        raise ProviderUnavailable(f"the call for the token failed ({type(exception).__name__})") from exception


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """The session of somebody who came from the provider."""

    def login(self, request: HttpRequest, user: User) -> None:
        """Begins it."""
        super().login(request, user)
        session_info.set_method(request, session_info.PROVIDER)
