"""`python -m ml_server`: serves until SIGTERM or SIGINT."""

from ml_server.settings import settings_or_exit
from ml_server.signals import stop_on_signals

# First of all: what follows takes a second or two to import, and a stop may come meanwhile.
stopping = stop_on_signals()
settings = settings_or_exit()

from ml_server.serving import serve  # noqa: E402

serve(settings, stopping)
