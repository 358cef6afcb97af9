"""allauth's OpenID Connect flow, made stricter: a nonce, the token's signature, and only the configured issuer."""

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.oidc import id_tokens
from accounts.oidc.exceptions import ProviderUnavailable, UntrustedToken
from accounts.oidc.users import needed_claims

if TYPE_CHECKING:
    import requests

ID = "oidc"
ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


class Flow(OpenIDConnectOAuth2Adapter):  # type: ignore[misc] # allauth has no types
    """The calls of the provider in one sign-in."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's description of itself, fetched once. Raises `ProviderUnavailable`."""
        if not hasattr(self, "_openid_config"):
            self._openid_config = _checked(super().openid_config)
        return self._openid_config

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The provider's tokens. Raises `ProviderUnavailable`, `OAuth2Error` or `RequestException`."""
        try:
            found: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        except (KeyError, TypeError, ValueError) as exc:
            raise ProviderUnavailable(f"its answer with the tokens can't be read ({type(exc).__name__})") from exc
        return found

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """The access token, which is used once, now, and never stored."""
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """The sign-in with validated claims in its account. Raises `UntrustedToken` or `RequestException`."""
        config = self.openid_config
        claims = id_tokens.claims(
            str(kwargs["response"].get("id_token", "")),
            _fetch(config["jwks_uri"]),
            issuer=config["issuer"],
            client_id=app.client_id,
            nonce=self.nonce,
        )
        if needed_claims() - claims.keys() and "userinfo_endpoint" in config:
            claims = self._with_userinfo(claims, token.token)
        login: SocialLogin = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.claims = claims  # for `users.user_of`; allauth would store what it is given
        return login

    def _with_userinfo(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Adds what the token lacks. It is the only one that is signed, so it wins."""
        more = _fetch(self.openid_config["userinfo_endpoint"], Authorization=f"Bearer {access_token}")
        if more.get("sub") != claims["sub"]:
            raise UntrustedToken("userinfo is about somebody else than the ID token")
        return {**more, **claims}


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The configured provider."""

    oauth2_adapter_class: ClassVar = Flow

    def redirect(self, request: HttpRequest, process: str, **kwargs: Any) -> HttpResponseBase:
        """Sends the browser to the provider."""
        nonce = secrets.token_urlsafe(32)
        response: HttpResponseBase = super().redirect(
            request, process, auth_params={**self.get_auth_params(), "nonce": nonce}, nonce=nonce, **kwargs
        )
        return response

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing: what is in the database about a person is what the gateway needs."""
        return {}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing: `users` reads the claims that it needs."""
        return {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        """None: the gateway sends no mail."""
        return []


class Callback(OAuth2CallbackView):  # type: ignore[misc]
    """The browser comes back from the provider."""

    def _get_state(self, request: HttpRequest, provider: Provider) -> tuple[dict[str, Any] | None, Any]:
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, response


def _checked(config: Any) -> dict[str, Any]:
    if not isinstance(config, dict) or not all(isinstance(config.get(name), str) for name in ENDPOINTS):
        raise ProviderUnavailable("its openid-configuration lacks an endpoint")
    if config["issuer"].rstrip("/") != settings.OIDC_ISSUER:
        raise ProviderUnavailable("its openid-configuration names another issuer than OIDC_ISSUER")
    return config


def _fetch(url: str, **headers: str) -> dict[str, Any]:
    """A JSON object of the provider. Raises `RequestException` or `ProviderUnavailable`."""
    with get_adapter().get_requests_session() as session:
        response: requests.Response = session.get(url, headers=headers)
        response.raise_for_status()
        found = response.json()
    if not isinstance(found, dict):
        raise ProviderUnavailable("it sent no JSON object")
    return found
