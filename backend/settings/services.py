"""The services that the gateway calls: Redis and the model server."""

from backend import env
from backend.settings.machine import DEBUG, VAR_DIR
from backend.settings.secret_files import COMMAND, MIN_LENGTH, secret_key
from common.redis_server import address

_REDIS = "REDIS_URL"
_REDIS_FIX = "set it to a URL such as redis://user:password@redis.example:6379/0 or unix:///run/redis.sock"


def _read_redis_url() -> str:
    """Raises `BadSetting`, which shows nothing of the URL."""
    text = env.text(_REDIS, f"redis://127.0.0.1:{env.port('REDIS_PORT', 6379)}/0")
    try:
        address.read(text)
    except ValueError as exc:
        raise env.BadSetting(_REDIS, str(exc), _REDIS_FIX) from None
    return text


REDIS_URL = _read_redis_url()
ML_SERVER_URL = env.url(
    "ML_SERVER_URL",
    f"http://127.0.0.1:{env.port('ML_SERVER_PORT', 9000)}",
    schemes=("http", "https"),
    may_name_user=True,
)


def _read_model_server_token() -> str:
    """The secret shared with the model server, or empty. Raises `BadSetting`.

    `make up` makes one for the embedded model server, which reads the same file.
    """
    name = "ML_SERVER_TOKEN"
    if env.text(name, ""):
        return env.secret(name, min_length=MIN_LENGTH, command=COMMAND)
    return secret_key(name, VAR_DIR, may_create=True) if DEBUG and not env.text("ML_SERVER_URL", "") else ""


ML_SERVER_TOKEN = _read_model_server_token()

# The transport adapter for outbound HTTP: the strict llhttp parser, or the stock adapter of requests.
OUTBOUND_TRANSPORT = env.choice("OUTBOUND_TRANSPORT", ("llhttp", "requests"), default="llhttp")
