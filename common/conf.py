"""Django's settings for what is on a prediction's way, each looked up once.

Django's own object takes a microsecond for every look, and a prediction took fifteen. A process that serves has
settings that stay; where a test changes one, Django tells, and all are looked up anew.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings as _django
from django.core.signals import setting_changed

if TYPE_CHECKING:
    from django.conf import settings as settings  # noqa: PLC0414
else:

    class _Settings:
        def __getattr__(self, name: str) -> Any:
            value = getattr(_django, name)
            vars(self)[name] = value
            return value

    settings = _Settings()


def _look_again(**_: object) -> None:
    vars(settings).clear()


setting_changed.connect(_look_again)
