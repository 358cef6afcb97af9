"""`python -m ml_server`: serves until SIGTERM or SIGINT."""

from ml_server import core_dumps
from ml_server.settings import settings_or_exit
from ml_server.signals import stop_on_signals

# Before the other imports: they take a second or two, and a signal may arrive meanwhile.
stopping = stop_on_signals()
core_dumps.disable()
settings = settings_or_exit()

from ml_server.server import serve  # noqa: E402

serve(settings, stopping)
