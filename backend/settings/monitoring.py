"""Who may read metrics, readiness in detail and the API's description without an account."""

from ipaddress import ip_network

from backend import env
from backend.settings.machine import DEBUG
from backend.settings.secret_files import COMMAND, MIN_LENGTH

_PATHS = ("readyz", "metrics", "docs")


def _read_open_paths() -> frozenset[str]:
    """Paths that are open to everybody; `none` for none. Raises `BadSetting`."""
    found = frozenset(env.items("OPEN_PATHS")) or frozenset(_PATHS if DEBUG else ())
    unknown = sorted(found - {*_PATHS, "none"})
    if unknown:
        raise env.BadSetting("OPEN_PATHS", f"can't hold {unknown[0]!r}", f"list some of {', '.join(_PATHS)}, or none")
    return found - {"none"}


def _read_networks() -> list[str]:
    """Networks such as 10.0.0.0/8. Raises `BadSetting`."""
    found = env.items("MONITORING_NETWORKS")
    for item in found:
        try:
            ip_network(item)
        except ValueError:
            fix = "list networks such as 10.0.0.0/8 or fd00::/8, with commas"
            raise env.BadSetting("MONITORING_NETWORKS", f"can't hold {item!r}", fix) from None
    return found


OPEN_PATHS = _read_open_paths()
MONITORING_NETWORKS = _read_networks()
MONITORING_TOKEN = (
    env.secret("MONITORING_TOKEN", min_length=MIN_LENGTH, command=COMMAND) if env.text("MONITORING_TOKEN", "") else ""
)
