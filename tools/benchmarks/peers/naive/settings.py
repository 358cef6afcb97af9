"""The settings of `django-admin startproject`, outside DEBUG, with addresses from the environment."""

import os

import dj_database_url
from django.core.management.utils import get_random_secret_key

SECRET_KEY = get_random_secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tools.benchmarks.peers.naive.urls"
WSGI_APPLICATION = "tools.benchmarks.peers.naive.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tools.benchmarks.peers.naive",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
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
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}

ML_SERVER_URL = os.environ["ML_SERVER_URL"]
CELERY_BROKER_URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"

# https://github.com/vishalanandl177/DRF-API-Logger
if os.environ["NAIVE_FORM"] == "logged":
    INSTALLED_APPS += ["rest_framework", "drf_api_logger"]
    MIDDLEWARE += ["drf_api_logger.middleware.api_logger_middleware.APILoggerMiddleware"]
    DRF_API_LOGGER_DATABASE = True
