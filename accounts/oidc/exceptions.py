"""Why a sign-in with the identity provider ended. Each error becomes a page."""

from http import HTTPStatus
from typing import ClassVar

from django.utils.translation import gettext_lazy as _


class ProviderSignInError(Exception):
    """The base class. `detail` is shown to the person, `reason` is logged for the operator, without names."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    default_detail = _("The sign-in was not finished.")

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail or str(self.default_detail)


class ProviderUnavailable(ProviderSignInError):
    """The provider does not answer, or answers with an error."""

    status = HTTPStatus.BAD_GATEWAY
    default_detail = _("The identity provider does not answer as it should.")


class ProviderBusy(ProviderSignInError):
    """This process waits for the provider in as many threads as it may."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = _("Many people are signing in at this moment. Try again in a few seconds.")


class StateLost(ProviderSignInError):
    """The answer does not belong to a sign-in that this browser began, or that one is too old."""

    default_detail = _("This sign-in was begun too long ago, or in another browser. Begin again.")


class Cancelled(ProviderSignInError):
    """The person or the provider refused."""

    default_detail = _("The identity provider did not sign you in.")


class UntrustedToken(ProviderSignInError):
    """The provider's answer is not to be believed."""

    status = HTTPStatus.UNAUTHORIZED
    default_detail = _("The identity provider's answer can't be trusted, so nobody was signed in.")


class NoAccount(ProviderSignInError):
    """The person is who they say, but has no account here that they may use."""

    status = HTTPStatus.FORBIDDEN
