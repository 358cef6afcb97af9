"""Helpers for tests of sign-in."""

import base64
from typing import Any

from django.test import Client

LOGIN = "/accounts/login/"
NAME, PASSWORD = "dr-kim", "correct horse battery staple"


def basic(name: str = NAME, password: str = PASSWORD) -> dict[str, Any]:
    """The header of HTTP Basic, for Django's test client."""
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def sign_in(client: Client, name: str = NAME, password: str = PASSWORD, *, path: str = LOGIN, **fields: Any) -> Any:
    """Posts the form of a sign-in page."""
    return client.post(path, {"username": name, "password": password}, **fields)


def is_signed_in(client: Client) -> bool:
    """Whether the client's session has a user, as the account page sees it."""
    return client.get("/accounts/").status_code == 200
