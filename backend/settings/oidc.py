"""Sign-in with a hospital's identity provider, by OpenID Connect. Without OIDC_ISSUER nothing of it is loaded."""

import json
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from backend import env
from backend.settings.machine import DEBUG

_ISSUER, _ROLES = "OIDC_ISSUER", "OIDC_ROLES"


def _read_issuer() -> str:
    """The issuer's URL, blank if there is none. Plain HTTP is for a provider on a developer's own machine."""
    url = env.url_or_none(_ISSUER, "https://login.hospital.example/realms/clinic", schemes=("https", "http"))
    if url.startswith("http:") and not (DEBUG and _is_loopback(urlsplit(url).hostname or "")):
        raise env.BadSetting(_ISSUER, f"can't be {env.quoted(url)}", "set it to a URL that begins with https://")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_roles() -> dict[str, str]:
    """The role of each of the provider's groups. Raises `BadSetting`."""
    text = env.text(_ROLES, "{}")
    fix = """set it to a JSON object such as {"clinic-doctors": "clinician"}"""
    try:
        roles: Any = json.loads(text)
    except ValueError:
        raise env.BadSetting(_ROLES, "is not JSON", fix) from None
    if not isinstance(roles, dict) or not all(isinstance(role, str) and role for role in roles.values()):
        raise env.BadSetting(_ROLES, "is not an object of texts", fix)
    return roles


def _read_required(name: str) -> str:
    """A text that is required with OIDC_ISSUER. Raises `BadSetting`."""
    value = env.text(name, "")
    if OIDC_ISSUER and not value:
        raise env.BadSetting(name, f"is not set, and {_ISSUER} is", "set it to what the identity provider shows")
    return value


OIDC_ISSUER = _read_issuer()
OIDC_CLIENT_ID = _read_required("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = _read_required("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "your hospital account")
OIDC_SCOPES = env.text("OIDC_SCOPES", "openid profile email").split()
OIDC_USERNAME_CLAIM = env.text("OIDC_USERNAME_CLAIM", "preferred_username")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
OIDC_ROLES = _read_roles()
OIDC_DOCTOR_CLAIM = env.text("OIDC_DOCTOR_CLAIM", "")
OIDC_LINK_CLAIM = env.text("OIDC_LINK_CLAIM", "")
OIDC_TOTAL_SECONDS = env.number("OIDC_TOTAL_SECONDS", 10, minimum=0.1, maximum=60, unit="seconds")

OIDC_APPS = (
    ["accounts.oidc.apps.AllauthAccount", "allauth.socialaccount", "accounts.oidc.apps.OidcConfig"]
    if OIDC_ISSUER
    else []
)

# https://docs.allauth.org/en/latest/socialaccount/configuration.html: nothing of allauth but this one way to sign in.
SOCIALACCOUNT_ADAPTER = "accounts.oidc.adapters.SocialAdapter"
SOCIALACCOUNT_ONLY = True
SOCIALACCOUNT_UID_MAX_LENGTH = 255  # of the claim `sub`
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "accounts.oidc.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
