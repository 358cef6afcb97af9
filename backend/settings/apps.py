"""Installed apps, middleware, templates and static files."""

from typing import Any

from backend.settings.machine import BASE_DIR, VAR_DIR
from backend.settings.oidc import OIDC_APPS

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "common",  # before the admin: it replaces some of the admin's templates
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
    "recording",
    "attachments",
    "accounts",
    "jobs",
    "ml_proxy",
    "imaging",
    "integrations.mlflow",
    "text_to_sql",
    *OIDC_APPS,
]

# One list for every path, see ADR 11.
MIDDLEWARE = [
    "common.browser_middleware.SecurityHeadersMiddleware",
    "common.middleware.ExchangeMiddleware",
    "common.browser_middleware.CorsMiddleware",
    "common.origin_middleware.OriginMiddleware",
    "common.refusals.RefusalMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.browser_middleware.SignInMiddleware",
    "common.browser_middleware.CsrfMiddleware",
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # the default makes signers per request

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

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGES = [("en", "English"), ("ko", "한국어")]  # no middleware: the pages without JavaScript choose by themselves

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns if it is missing
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

CONSOLE_DIR = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [("console", CONSOLE_DIR)] if CONSOLE_DIR.is_dir() else []
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/console/assets/"  # their names have a hash of their content
