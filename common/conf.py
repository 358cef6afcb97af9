"""Django's settings, cached for the code that handles predictions.

Django's own object takes a microsecond per access, and a prediction needed fifteen. Settings do not change in a serving
process. If a test changes one, Django's signal clears the cache.
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


def _clear_cache(**_: object) -> None:
    vars(settings).clear()


setting_changed.connect(_clear_cache)
