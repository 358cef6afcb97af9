"""Questions in SQL: which databases may be registered, the limits of a query, and the language model."""

from urllib.parse import urlsplit

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
SQLITE_FOLDER = env.folder("SQLITE_FOLDER", VAR_DIR / "databases", may_be_read_only=True)
QUERY_SECONDS = env.number("QUERY_SECONDS", 30, minimum=0.1, maximum=3600, unit="seconds")
QUERY_JOB_SECONDS = env.number("QUERY_JOB_SECONDS", 1800, minimum=0.1, maximum=86400, unit="seconds")
QUERY_MAX_ROWS = env.integer("QUERY_MAX_ROWS", 1000, minimum=1, maximum=1_000_000, unit="rows")
QUERY_MAX_BYTES = env.integer("QUERY_MAX_BYTES", 5 * env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")

_URL = "LLM_BASE_URL"
_LLM_KEY = "LLM_API_KEY"
_MODEL = "LLM_MODEL"


def _read_language_model() -> tuple[str, str, str]:
    """The URL of the language model, blank without one, its key and its name. Raises `BadSetting`; shows no key."""
    if "@" in urlsplit(env.text(_URL, "")).netloc:
        raise env.BadSetting(_URL, "names a user", f"set {_LLM_KEY} instead")
    url = env.url_or_none(_URL, "http://127.0.0.1:8080/v1", schemes=("http", "https"))
    key, model = env.text(_LLM_KEY, ""), env.text(_MODEL, "")
    if url and not model:
        raise env.BadSetting(_MODEL, f"is not set, and {_URL} is", "set it to the name of a model that is served there")
    if not key.isascii() or any(not character.isprintable() or character.isspace() for character in key):
        raise env.BadSetting(_LLM_KEY, "can't be sent", "remove blanks and characters that are not ASCII")
    return url, key, model


LLM_BASE_URL, LLM_API_KEY, LLM_MODEL = _read_language_model()
LLM_SECONDS = env.number("LLM_SECONDS", 120, minimum=0.1, maximum=3600, unit="seconds")
LLM_RETRIES = env.integer("LLM_RETRIES", 2, minimum=0, maximum=10, unit="retries")
LLM_PRICE_IN = env.decimal("LLM_PRICE_IN", maximum=1000, unit="your currency per million tokens")
LLM_PRICE_OUT = env.decimal("LLM_PRICE_OUT", maximum=1000, unit="your currency per million tokens")
LLM_SMALL_MODEL = env.switch("LLM_SMALL_MODEL", default=False)
LLM_SHOW_VALUES = env.switch("LLM_SHOW_VALUES", default=True)
