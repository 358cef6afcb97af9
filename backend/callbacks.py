"""Settings of call-backs: the allow-list and the signing secrets, both refused at start where they can't be used."""

from pathlib import Path

from backend import env
from backend.secrets import kept
from jobs.webhooks.hosts import read_entry
from jobs.webhooks.signing import new_secret, read_secret

MEND = "set it to whsec_ and 24 to 64 bytes in base64, for example what `echo whsec_$(openssl rand -base64 32)` prints"


def callback_hosts(name: str) -> list[str]:
    """A comma-separated list of `jobs.webhooks.hosts` entries. Raises `BadSetting`."""
    found = env.items(name)
    for item in found:
        try:
            read_entry(item)
        except ValueError:
            mend = "list hosts such as hooks.clinic.example:8443 or *.clinic.example, with commas"
            raise env.BadSetting(name, f"can't hold {item!r}", mend) from None
    return found


def callback_secrets(name: str, var_dir: Path, *, are_needed: bool, make_one: bool) -> list[str]:
    """The secrets that sign, with commas while they change; the one kept in `var_dir` where `make_one` and none is set.

    Raises `BadSetting`, which shows none of them.
    """
    found = env.items(name)
    if not found and are_needed:
        if not make_one:
            raise env.BadSetting(name, "is not set, and CALLBACK_HOSTS is", MEND)
        found = [kept(var_dir / name.lower(), new_secret)]
    for item in found:
        try:
            read_secret(item)
        except ValueError:
            raise env.BadSetting(name, "can't be read", MEND) from None
    return found
