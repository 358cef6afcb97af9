"""Django settings, read from the environment alone. `.env.example` lists every variable with its unit."""

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from backend import env
from backend.callbacks import callback_hosts, callback_secrets
from backend.databases import database
from backend.files import file_storage
from backend.schedule import crontab_text, require_beats
from backend.secrets import kept_secret
from backend.tracking import mlflow_authorization, mlflow_uri
from recording.journal.filesystem import network_type

BASE_DIR = env.ROOT
MIB = 1024 * 1024

try:
    env.load_env_file()

    # The machine.
    DEBUG = env.switch("DEBUG", default=False)
    VAR_DIR = env.folder("VAR_DIR", Path("var"))
    if network := network_type(VAR_DIR / "journal"):
        raise env.BadSetting(
            "VAR_DIR", f"is on a network file system ({network})", "set it to a folder on a disk of this machine"
        )
    BIND_HOST = env.address("BIND_HOST", "127.0.0.1")
    GATEWAY_PORT = env.port("GATEWAY_PORT", 8000)
    FLOWER_PORT = env.port("FLOWER_PORT", 5555)
    GATEWAY_WORKERS = env.integer("GATEWAY_WORKERS", 1, least=1, most=64, unit="processes")
    GATEWAY_THREADS = env.integer("GATEWAY_THREADS", 32, least=1, most=512, unit="threads for each process")
    LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    LOG_FORMAT = env.choice("LOG_FORMAT", ("line", "json"), default="line" if DEBUG else "json")

    # Who may come in.
    SECRET_KEY = kept_secret("SECRET_KEY", VAR_DIR, make_one=DEBUG)
    SEAL_KEY = kept_secret("SEAL_KEY", VAR_DIR, make_one=DEBUG)
    SEAL_KEY_FALLBACKS = env.items("SEAL_KEY_FALLBACKS")
    ALLOWED_HOSTS = env.items("ALLOWED_HOSTS")
    if not ALLOWED_HOSTS and not DEBUG:
        raise env.BadSetting("ALLOWED_HOSTS", "is not set", "name the hosts that this gateway answers for, with commas")
    API_AUTH = env.choice("API_AUTH", ("open", "required"), default="open" if DEBUG else "required")
    if API_AUTH == "open" and not DEBUG:
        raise env.BadSetting(
            "API_AUTH",
            "can't be 'open' outside DEBUG",
            "set API_AUTH=required, or DEBUG=1 on your own machine",
        )
    if API_AUTH == "open" and not ip_address(BIND_HOST).is_loopback:
        raise env.BadSetting("API_AUTH", f"can't be 'open' on {BIND_HOST}", "set API_AUTH=required, or leave BIND_HOST")
    CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
    CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

    # Its neighbours.
    DATABASES = {"default": database(env.text("DATABASE_URL", f"sqlite:///{VAR_DIR}/db.sqlite3"))}
    REDIS_URL = env.url(
        "REDIS_URL",
        f"redis://127.0.0.1:{env.port('REDIS_PORT', 6379)}/0",
        schemes=("redis", "rediss", "unix"),
    )
    ML_SERVER_URL = env.url(
        "ML_SERVER_URL", f"http://127.0.0.1:{env.port('ML_SERVER_PORT', 9000)}", schemes=("http", "https")
    )

    # What carries HTTP to the outside: the strict transport, or that of requests.
    OUTBOUND_TRANSPORT = env.choice("OUTBOUND_TRANSPORT", ("llhttp", "requests"), default="llhttp")

    # Deadlines and caps.
    UPSTREAM_CONNECT_SECONDS = env.number("UPSTREAM_CONNECT_SECONDS", 2, least=0.01, most=60, unit="seconds")
    UPSTREAM_READ_SECONDS = env.number("UPSTREAM_READ_SECONDS", 30, least=0.01, most=3600, unit="seconds")
    UPSTREAM_TOTAL_SECONDS = env.number("UPSTREAM_TOTAL_SECONDS", 30, least=0.01, most=3600, unit="seconds")
    RETRAIN_TOTAL_SECONDS = env.number("RETRAIN_TOTAL_SECONDS", 600, least=0.01, most=86400, unit="seconds")
    RETRAIN_JOB_SECONDS = env.number("RETRAIN_JOB_SECONDS", 86400, least=1, most=7 * 86400, unit="seconds")
    RETRAIN_BODY_BYTES = env.integer("RETRAIN_BODY_BYTES", 10 * MIB, least=1024, most=1024 * MIB, unit="bytes")
    MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 10 * MIB, least=1, most=1024 * MIB, unit="bytes")
    MAX_ANSWER_BYTES = env.integer("MAX_ANSWER_BYTES", 10 * MIB, least=1, most=1024 * MIB, unit="bytes")

    # Files: what is larger goes to the storage, and how long a link to a file there holds.
    INLINE_MAX_BYTES = env.integer("INLINE_MAX_BYTES", MIB, least=1024, most=1024 * MIB, unit="bytes")
    FILE_LINK_SECONDS = env.integer("FILE_LINK_SECONDS", 300, least=1, most=7 * 86400, unit="seconds")
    STORAGES = {
        "default": file_storage(VAR_DIR, link_seconds=FILE_LINK_SECONDS),
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }

    # Jobs: how they are held, looked after, and started by the clock.
    JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 30, least=0.1, most=3600, unit="seconds")
    JOB_HEARTBEAT_SECONDS = env.number("JOB_HEARTBEAT_SECONDS", 1, least=0.01, most=60, unit="seconds")
    JOB_SWEEP_SECONDS = env.number("JOB_SWEEP_SECONDS", 5, least=0.1, most=3600, unit="seconds")
    require_beats("JOB_LEASE_SECONDS", JOB_LEASE_SECONDS, JOB_HEARTBEAT_SECONDS)
    RETRAIN_SCHEDULE = crontab_text("RETRAIN_SCHEDULE")

    # Who may be called back when a job has ended.
    CALLBACK_HOSTS = callback_hosts("CALLBACK_HOSTS")
    CALLBACK_ALLOW_PRIVATE = env.switch("CALLBACK_ALLOW_PRIVATE", default=False)
    CALLBACK_SECRETS = callback_secrets("CALLBACK_SECRET", VAR_DIR, are_needed=bool(CALLBACK_HOSTS), make_one=DEBUG)
    CALLBACK_TOTAL_SECONDS = env.number("CALLBACK_TOTAL_SECONDS", 10, least=0.01, most=10, unit="seconds")

    # The journal and its publisher.
    JOURNAL_MAX_BYTES = env.integer("JOURNAL_MAX_BYTES", 1024 * MIB, least=64 * 1024, most=2**50, unit="bytes")
    JOURNAL_SEGMENT_BYTES = env.integer("JOURNAL_SEGMENT_BYTES", 4 * MIB, least=4096, most=1024 * MIB, unit="bytes")
    REPUBLISH_SECONDS = env.number("REPUBLISH_SECONDS", 20, least=0.1, most=3600, unit="seconds")
    LOG_LATE_SECONDS = env.number("LOG_LATE_SECONDS", 60, least=1, most=86400, unit="seconds")

    # Counts of all processes of this state folder; and where a worker beside no gateway is scraped, 0 for nowhere.
    METRICS_DIR = VAR_DIR / "metrics"
    WORKER_METRICS_PORT = env.integer("WORKER_METRICS_PORT", 0, least=0, most=65535, unit="TCP ports")

    # MLflow's own names for where it is, and for whom to be there; no address, no sink.
    MLFLOW_TRACKING_URI = mlflow_uri()
    MLFLOW_EXPERIMENT_NAME = env.text("MLFLOW_EXPERIMENT_NAME", "ml-proxy")
    MLFLOW_TOTAL_SECONDS = env.number("MLFLOW_TOTAL_SECONDS", 10, least=0.01, most=60, unit="seconds")
    MLFLOW_AUTHORIZATION = mlflow_authorization()

    # Where traces go is for OpenTelemetry to read, and checked here.
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        env.url_or_none(name, "http://127.0.0.1:4318", schemes=("http", "https"))
    env.choice("OTEL_EXPORTER_OTLP_PROTOCOL", ("http/protobuf",), default="http/protobuf")
except env.BadSetting as exc:
    sys.exit(f"ml-proxy: {exc}")

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the views hold bodies to MAX_BODY_BYTES, with an error of their own

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "common",
    "recording",
    "attachments",
    "accounts",
    "jobs",
    "ml_proxy",
    "integrations.mlflow",
]

# One list for every path. What costs too much is made cheaper here for all of them, see ADR 11.
MIDDLEWARE = [
    "common.browser_middleware.SecurityHeadersMiddleware",
    "common.middleware.ExchangeMiddleware",
    "common.browser_middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.browser_middleware.SignInMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # the default makes signers for each request

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns of one that is missing, and there it may stay empty
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# Behind TLS the cookies stay behind it; on one's own machine there is none.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.switch("TRUST_PROXY", default=False) else None

# https://github.com/adamchainz/django-cors-headers
CORS_URLS_REGEX = r"^/ml/v1/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "prefer",
    "traceparent",
    "tracestate",
    "x-csrftoken",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = ["X-Inference-ID", "X-Request-ID", "Link", "Location", "Retry-After"]

# https://www.django-rest-framework.org/api-guide/settings/
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.request_body.JSONOnly",
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasPermission"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.problem_details.handle_api_exception",
    "URL_FORMAT_OVERRIDE": None,
    "UNICODE_JSON": True,
}

# https://drf-spectacular.readthedocs.io/en/latest/settings.html
SPECTACULAR_SETTINGS = {
    "TITLE": "ML Proxy",
    "DESCRIPTION": "The gateway in front of a clinic's machine-learning models.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["ml_proxy.openapi.add_plain_views"],
}

# https://docs.celeryq.dev/en/stable/userguide/configuration.html
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_DB_REUSE_MAX = 10_000  # the Django fix-up closes the connection after every task unless told otherwise

LOG_LINE = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
LOGGING_CONFIG = "common.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "common.logs.RequestIDFilter"},
        "no_bodies": {"()": "common.logs.MessageBodyFilter"},
        "only_exceptions": {"()": "common.logs.ExceptionsOnlyFilter"},
    },
    "formatters": {
        "line": {"()": "common.logs.SafeFormatter", "format": LOG_LINE},
        "json": {"()": "common.logs.JSONFormatter"},
    },
    "handlers": {"stderr": {"class": "common.logs.StderrHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # Django's own handler would print every line once more
        "django.request": {"level": "ERROR", "filters": ["only_exceptions"]},  # ml_proxy.access tells of each exchange
        "django.server": {"handlers": [], "propagate": False},
        "celery": {"level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL},  # its DEBUG prints whole messages
        "celery.worker.consumer.consumer": {"filters": ["no_bodies"]},
    },
}
