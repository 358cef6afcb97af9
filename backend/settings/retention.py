"""How long records are kept."""

import re

from backend import env

# Days; `docs/compliance.md` names the source. Less would be a setting that breaks the law it is for.
RETENTION_MINIMUM = {"accounts.access": 730}
_ENTRY = re.compile(r"([a-z0-9_]+\.[a-z0-9_]+)=([1-9]\d{0,5})")


def _read_retention() -> dict[str, int]:
    """Days by record source. Raises `BadSetting`."""
    found: dict[str, int] = {}
    for item in env.items("RETENTION_DAYS"):
        match = _ENTRY.fullmatch(item)
        if match is None or match[1] in found:
            fix = "set it to entries such as accounts.access=730,ml_proxy.inference=3650, each source once"
            raise env.BadSetting("RETENTION_DAYS", f"can't hold {item!r}", fix)
        found[match[1]] = int(match[2])
    for source, days in RETENTION_MINIMUM.items():
        if found.get(source, days) < days:
            fix = f"set it to {source}={days} or more (docs/compliance.md says why), or leave it out to keep all"
            raise env.BadSetting("RETENTION_DAYS", f"can't hold {source}={found[source]}", fix)
    return found


RETENTION_DAYS = _read_retention()
