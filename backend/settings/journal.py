"""The journal, its publisher, and the key that seals records."""

from backend import env
from backend.settings.machine import DEBUG, VAR_DIR
from backend.settings.secret_files import secret_key

SEAL_KEY = secret_key("SEAL_KEY", VAR_DIR, may_create=DEBUG)
SEAL_KEY_FALLBACKS = env.items("SEAL_KEY_FALLBACKS")

JOURNAL_MAX_BYTES = env.integer("JOURNAL_MAX_BYTES", 1024 * env.MIB, minimum=64 * 1024, maximum=2**50, unit="bytes")
JOURNAL_SEGMENT_BYTES = env.integer(
    "JOURNAL_SEGMENT_BYTES", 4 * env.MIB, minimum=4096, maximum=1024 * env.MIB, unit="bytes"
)
JOURNAL_WRITE_SECONDS = env.number("JOURNAL_WRITE_SECONDS", 5, minimum=0.1, maximum=300, unit="seconds")
REPUBLISH_SECONDS = env.number("REPUBLISH_SECONDS", 20, minimum=0.1, maximum=3600, unit="seconds")
LOG_LATE_SECONDS = env.number("LOG_LATE_SECONDS", 60, minimum=1, maximum=86400, unit="seconds")
