"""Questions in SQL: which databases may be registered, and the limits of a query."""

from backend import env
from backend.settings.machine import DEBUG, VAR_DIR
from backend.settings.secret_files import COMMAND, MIN_LENGTH, secret_key

_KEYS = "DATABASE_CREDENTIAL_KEYS"


def _read_keys() -> list[str]:
    """The keys that encrypt passwords of databases. Without any, which only DEBUG prevents, none can be stored."""
    keys = env.items(_KEYS)
    if any(len(key) < MIN_LENGTH for key in keys):
        raise env.BadSetting(_KEYS, "has a key that is too short", f"set each to what `{COMMAND}` prints")
    if not keys and DEBUG:
        return [secret_key(_KEYS, VAR_DIR, may_create=True)]
    return keys


DATABASE_CREDENTIAL_KEYS = _read_keys()
TEXT_TO_SQL_HOSTS = env.items("TEXT_TO_SQL_HOSTS")
SQLITE_FOLDER = env.folder("SQLITE_FOLDER", VAR_DIR / "databases")
QUERY_SECONDS = env.number("QUERY_SECONDS", 30, minimum=0.1, maximum=3600, unit="seconds")
QUERY_JOB_SECONDS = env.number("QUERY_JOB_SECONDS", 1800, minimum=0.1, maximum=86400, unit="seconds")
QUERY_MAX_ROWS = env.integer("QUERY_MAX_ROWS", 1000, minimum=1, maximum=1_000_000, unit="rows")
QUERY_MAX_BYTES = env.integer("QUERY_MAX_BYTES", 5 * env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")
