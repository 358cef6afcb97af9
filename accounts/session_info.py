"""What a session says about its sign-in."""

from django.http import HttpRequest

PASSWORD, ONE_CLICK, PROVIDER = "password", "one-click", "oidc"
_METHOD = "signed_in_by"
_END_SESSION = "oidc_end_session"


def set_method(request: HttpRequest, method: str) -> None:
    """Notes how the user signed in. A sign-in with a password needs no note."""
    request.session[_METHOD] = method


def method(request: HttpRequest) -> str:
    """How the user of the session signed in."""
    return str(request.session.get(_METHOD, PASSWORD))


def set_end_session_url(request: HttpRequest, url: str) -> None:
    """Notes where the identity provider signs its users out."""
    request.session[_END_SESSION] = url


def end_session_url(request: HttpRequest) -> str:
    """Where the identity provider signs this user out; blank if there is no such place."""
    return str(request.session.get(_END_SESSION, ""))
