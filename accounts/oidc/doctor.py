"""The doctor's check of the identity provider."""

from django.conf import settings

from common import doctor
from common.doctor import NotSet, Wrong

_PATH = ".well-known/openid-configuration"


def identity_provider() -> str:
    """Reads its description. Raises `Wrong` or `NotSet`."""
    if not settings.OIDC_ISSUER:
        raise NotSet("OIDC_ISSUER")
    answer = doctor.get(f"{settings.OIDC_ISSUER}/{_PATH}", setting="OIDC_ISSUER")
    try:
        found = answer.json() if answer.ok else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Wrong(f"has no {_PATH} (status {answer.status_code})", "Correct OIDC_ISSUER.")
    if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise Wrong("names another issuer in its description", "Set OIDC_ISSUER to exactly that name.")
    return "describes itself as expected"
