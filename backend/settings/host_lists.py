"""Reads allow-lists of hosts."""

from backend import env
from common.outbound.destinations import read_entry


def read_hosts(name: str) -> list[str]:
    """A comma-separated list of `common.outbound.destinations` entries. Raises `BadSetting`."""
    entries = env.items(name)
    for entry in entries:
        try:
            read_entry(entry)
        except ValueError:
            fix = "list hosts such as hooks.clinic.example:8443 or *.clinic.example, with commas"
            raise env.BadSetting(name, f"can't hold {env.quoted(entry)}", fix) from None
    return entries
