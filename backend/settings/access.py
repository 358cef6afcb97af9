"""Access: the secret key, allowed hosts, authentication, cookies, and requests from other origins."""

from ipaddress import ip_address

from backend import env
from backend.settings.machine import BIND_HOST, DEBUG, VAR_DIR
from backend.settings.secret_files import secret_key


def _read_hosts() -> list[str]:
    hosts = env.items("ALLOWED_HOSTS")
    if not hosts and not DEBUG:
        raise env.BadSetting("ALLOWED_HOSTS", "is not set", "name the hosts that this gateway answers for, with commas")
    return hosts


def _read_api_auth() -> str:
    """`open` is for a developer's own machine only. Raises `BadSetting`."""
    value = env.choice("API_AUTH", ("open", "required"), default="open" if DEBUG else "required")
    if value == "open" and not DEBUG:
        fix = "set API_AUTH=required, or DEBUG=1 on your own machine"
        raise env.BadSetting("API_AUTH", "can't be 'open' outside DEBUG", fix)
    if value == "open" and not ip_address(BIND_HOST).is_loopback:
        fix = "set API_AUTH=required, or leave BIND_HOST"
        raise env.BadSetting("API_AUTH", f"can't be 'open' on {BIND_HOST}", fix)
    return value


SECRET_KEY = secret_key("SECRET_KEY", VAR_DIR, may_create=DEBUG)
ALLOWED_HOSTS = _read_hosts()
API_AUTH = _read_api_auth()
# How long a caller stays known to a process while the database does not answer.
AUTH_GRACE_SECONDS = env.number("AUTH_GRACE_SECONDS", 900, minimum=1, maximum=86400, unit="seconds")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

# Cookies need TLS, except on a developer's own machine.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
TRUST_PROXY = env.switch("TRUST_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None

# https://github.com/adamchainz/django-cors-headers
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/(ml/v1|ddp|llm|ai)/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "prefer",
    "traceparent",
    "tracestate",
    "x-csrftoken",
    "x-purpose",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = ["X-Inference-ID", "X-Request-ID", "Link", "Location", "Retry-After"]
