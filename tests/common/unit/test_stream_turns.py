"""The cap on exports is one for each caller: who uses it up takes nothing from others."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from pytest_django import Settings

from common.exceptions import Busy, TooManyExports
from common.stream_turns import Places, Turn

MOST, TOTAL = 2, 5


@pytest.fixture
def places(settings: Settings) -> Places:
    settings.API_AUTH, settings.EXPORTS_PER_CALLER = "required", MOST
    return Places("exports", TOTAL, "EXPORTS_PER_CALLER", TooManyExports)


def request_of(name: str) -> HttpRequest:
    """A request of a user; all users have one address."""
    request = HttpRequest()
    request.user, request.META["REMOTE_ADDR"] = User(username=name), "192.0.2.1"
    return request


def test_the_cap_is_per_caller(places: Places) -> None:
    held = [Turn(request_of("kim"), places) for _ in range(MOST)]
    with pytest.raises(TooManyExports, match="At most 2 exports of one caller"):
        Turn(request_of("kim"), places)
    for _ in range(MOST):
        Turn(request_of("lee"), places)
    held[0].end()
    Turn(request_of("kim"), places)
    with pytest.raises(TooManyExports):
        Turn(request_of("lee"), places)


def test_all_callers_together_have_a_cap_too(places: Places) -> None:
    held = [Turn(request_of(name), places) for name in "abcde"]
    with pytest.raises(Busy):
        Turn(request_of("f"), places)
    for each in held:
        each.end()
    assert not places.running
    Turn(request_of("f"), places)
