"""The project's settings with another authentication class."""

from backend.settings import *  # noqa: F403
from backend.settings import REST_FRAMEWORK as _FRAMEWORK

REST_FRAMEWORK = _FRAMEWORK | {"DEFAULT_AUTHENTICATION_CLASSES": ["tests.support.third_party.OneToken"]}
