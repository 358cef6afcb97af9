"""Limits for callers that send or read slowly, or too much, see ADR 18."""

from backend import env
from backend.settings.limits import MAX_BODY_BYTES

HEADER_SECONDS = env.number("HEADER_SECONDS", 20, minimum=0.5, maximum=600, unit="seconds")
BODY_SECONDS = env.number("BODY_SECONDS", 20, minimum=0.5, maximum=3600, unit="seconds")
BODY_BYTES_PER_SECOND = env.integer(
    "BODY_BYTES_PER_SECOND", 64 * 1024, minimum=1, maximum=1024 * env.MIB, unit="bytes per second"
)
READER_SECONDS = env.number("READER_SECONDS", 30, minimum=0.5, maximum=3600, unit="seconds")
QUEUE_SECONDS = env.number("QUEUE_SECONDS", 5, minimum=0.01, maximum=600, unit="seconds")

FORM_BODY_BYTES = env.integer("FORM_BODY_BYTES", env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")
BODY_MEMORY_BYTES = env.integer(
    "BODY_MEMORY_BYTES", max(128 * env.MIB, MAX_BODY_BYTES), minimum=MAX_BODY_BYTES, maximum=2**40, unit="bytes"
)
EXPORTS_PER_CALLER = env.integer("EXPORTS_PER_CALLER", 4, minimum=1, maximum=1000, unit="exports for each process")
LISTENERS_PER_CALLER = env.integer(
    "LISTENERS_PER_CALLER", 8, minimum=1, maximum=1000, unit="event streams for each process"
)

# The largest body by the beginning of the path; the first that fits counts. Methods without a body may send little.
BODY_LIMITS = {"/ml/": MAX_BODY_BYTES, "/ddp/": MAX_BODY_BYTES, "/ai/": MAX_BODY_BYTES, "": FORM_BODY_BYTES}
