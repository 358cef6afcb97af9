"""Errors of sign-in."""

from http import HTTPStatus

from common.exceptions import GatewayError


class SignInRefused(GatewayError):
    """The password was not checked. `seconds` is the time after which another try may help."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(seconds)})


class LockedOut(SignInRefused):
    """Too many sign-ins failed."""

    kind = "locked-out"
    title = "Too many failed sign-ins"


class SignInBusy(SignInRefused):
    """This process is checking as many passwords as it may."""

    kind = "sign-in-busy"
    title = "Too many sign-ins at the same time"
