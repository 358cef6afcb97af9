"""Errors of authentication that a retry may mend."""

from http import HTTPStatus

from common.exceptions import GatewayError, Unavailable


class CredentialsUnchecked(Unavailable):
    """The database that knows the credentials can't be asked now, and this process does not remember them."""

    kind = "credentials-unchecked"
    title = "Your credentials can't be checked now"


class TooManyChecks(GatewayError):
    """Too many callers wait for their credentials to be checked."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "too-many-checks"
    title = "Too many credentials are being checked"
    retry_after = 2


class LockedOut(GatewayError):
    """Too many sign-ins failed, so the password was not checked. `seconds` later another try may help."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "locked-out"
    title = "Too many failed sign-ins"

    def __init__(self, detail: str, *, seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(seconds)})
