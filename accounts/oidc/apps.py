"""The apps that OIDC_ISSUER adds."""

from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib import admin


class AllauthAccount(AccountConfig):  # type: ignore[misc] # allauth has no types
    """allauth's app, without its demand for a middleware on every path: the two views that need it do its work."""

    def ready(self) -> None:
        """Registers allauth's checks."""
        from allauth.account import checks  # noqa: F401, PLC0415 - importing registers them


class OidcConfig(AppConfig):
    """Sign-in with an identity provider."""

    name = "accounts.oidc"
    label = "oidc"

    def ready(self) -> None:
        """Notes links of identities to users, and takes pages out of the admin that would change nothing.

        Settings name the provider, and it keeps e-mail.
        """
        from allauth.account.models import EmailAddress  # noqa: PLC0415 - models load after apps
        from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken  # noqa: PLC0415

        from accounts.access_log import rights  # noqa: PLC0415

        rights.watch(SocialAccount)  # whoever is this person at the provider becomes that user
        for model in (EmailAddress, SocialApp, SocialToken):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
