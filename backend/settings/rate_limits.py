"""Limits of requests per caller."""

import re

from backend import env
from backend.settings.machine import DEBUG
from common.rate_limits import RateLimit

_SCOPES = ("predict", "history", "export", "api")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_ENTRY = re.compile(r"(?P<scope>[a-z]+)=(?P<requests>[1-9]\d{0,8})/(?P<unit>s|min|h)")
_FIX = f"list limits such as predict=600/min, with commas; scopes are {', '.join(_SCOPES)}, units s, min, h"
# Predictions have none: the right number depends on the model. The others protect the database from a single caller.
_DEFAULT = "" if DEBUG else "history=6000/min,export=120/min,api=6000/min"


def read_rate_limits(name: str, default: str) -> dict[str, RateLimit]:
    """Limits by scope; `off` for none. Raises `BadSetting`."""
    text = env.text(name, default or "off")
    limits: dict[str, RateLimit] = {}
    for entry in () if text == "off" else (each.strip() for each in text.split(",")):
        found = _ENTRY.fullmatch(entry)
        if not found or found["scope"] not in _SCOPES or found["scope"] in limits:
            raise env.BadSetting(name, f"can't hold {entry[:60]!r}", _FIX)
        limits[found["scope"]] = RateLimit(int(found["requests"]), _SECONDS[found["unit"]])
    return limits


RATE_LIMITS = read_rate_limits("RATE_LIMITS", _DEFAULT)
