"""Sign-in with a hospital's identity provider, by OpenID Connect."""

from backend import env

OIDC_ISSUER = env.url_or_none("OIDC_ISSUER", "https://login.hospital.example/realms/clinic", schemes=("https", "http"))
OIDC_NAME = env.text("OIDC_NAME", "your hospital account")
