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
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the views apply MAX_BODY_BYTES, with an error of their own
