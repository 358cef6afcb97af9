"""Deadlines of calls to the model server, and size limits of bodies."""

from backend import env

UPSTREAM_CONNECT_SECONDS = env.number("UPSTREAM_CONNECT_SECONDS", 2, minimum=0.01, maximum=60, unit="seconds")
UPSTREAM_READ_SECONDS = env.number("UPSTREAM_READ_SECONDS", 30, minimum=0.01, maximum=3600, unit="seconds")
UPSTREAM_TOTAL_SECONDS = env.number("UPSTREAM_TOTAL_SECONDS", 30, minimum=0.01, maximum=3600, unit="seconds")
RETRAIN_TOTAL_SECONDS = env.number("RETRAIN_TOTAL_SECONDS", 600, minimum=0.01, maximum=86400, unit="seconds")
RETRAIN_JOB_SECONDS = env.number("RETRAIN_JOB_SECONDS", 86400, minimum=1, maximum=7 * 86400, unit="seconds")

RETRAIN_BODY_BYTES = env.integer("RETRAIN_BODY_BYTES", 10 * env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 10 * env.MIB, minimum=1, maximum=1024 * env.MIB, unit="bytes")
MAX_ANSWER_BYTES = env.integer("MAX_ANSWER_BYTES", 10 * env.MIB, minimum=1, maximum=1024 * env.MIB, unit="bytes")
FORM_BODY_BYTES = env.integer("FORM_BODY_BYTES", env.MIB, minimum=1024, maximum=1024 * env.MIB, unit="bytes")
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the views apply MAX_BODY_BYTES, with an error of their own

# Slow callers, see ADR 18.
HEADER_SECONDS = env.number("HEADER_SECONDS", 20, minimum=0.5, maximum=600, unit="seconds")
BODY_SECONDS = env.number("BODY_SECONDS", 20, minimum=0.5, maximum=3600, unit="seconds")
BODY_BYTES_PER_SECOND = env.integer(
    "BODY_BYTES_PER_SECOND", 64 * 1024, minimum=1, maximum=1024 * env.MIB, unit="bytes per second"
)
READER_SECONDS = env.number("READER_SECONDS", 30, minimum=0.5, maximum=3600, unit="seconds")
QUEUE_SECONDS = env.number("QUEUE_SECONDS", 5, minimum=0.01, maximum=600, unit="seconds")
BODY_MEMORY_BYTES = env.integer(
    "BODY_MEMORY_BYTES", max(128 * env.MIB, MAX_BODY_BYTES), minimum=MAX_BODY_BYTES, maximum=2**40, unit="bytes"
)
EXPORTS_PER_CALLER = env.integer("EXPORTS_PER_CALLER", 4, minimum=1, maximum=1000, unit="exports for each process")
# The largest body by the beginning of the path, the longest beginning first. Methods without a body may send little.
BODY_LIMITS = {"/ml/": MAX_BODY_BYTES, "": FORM_BODY_BYTES}
