"""Webhooks of ended jobs: the allowed hosts and the signing secrets."""

from backend import env
from backend.settings.host_lists import read_hosts
from backend.settings.machine import DEBUG, VAR_DIR
from backend.settings.secret_files import read_or_create
from jobs.webhooks.signing import new_secret, read_secret

_HOSTS = "CALLBACK_HOSTS"
_SECRET = "CALLBACK_SECRET"  # noqa: S105 - a variable's name
_SIGNING_FIX = (
    "set it to whsec_ and 24 to 64 bytes in base64, for example what `echo whsec_$(openssl rand -base64 32)` prints"
)


def _read_secrets(*, are_required: bool) -> list[str]:
    """The signing secrets: several during a change of secrets, or under DEBUG a generated one.

    Raises `BadSetting`, which shows none of them.
    """
    secrets = env.items(_SECRET)
    if not secrets and are_required:
        if not DEBUG:
            raise env.BadSetting(_SECRET, f"is not set, and {_HOSTS} is", _SIGNING_FIX)
        secrets = [read_or_create(VAR_DIR / _SECRET.lower(), new_secret)]
    for secret in secrets:
        try:
            read_secret(secret)
        except ValueError:
            raise env.BadSetting(_SECRET, "can't be read", _SIGNING_FIX) from None
    return secrets


CALLBACK_HOSTS = read_hosts(_HOSTS)
CALLBACK_ALLOW_PRIVATE = env.switch("CALLBACK_ALLOW_PRIVATE", default=False)
CALLBACK_SECRETS = _read_secrets(are_required=bool(CALLBACK_HOSTS))
CALLBACK_TOTAL_SECONDS = env.number("CALLBACK_TOTAL_SECONDS", 10, minimum=0.01, maximum=10, unit="seconds")
