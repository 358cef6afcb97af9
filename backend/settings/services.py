"""The services that the gateway calls: Redis and the model server."""

from backend import env

REDIS_URL = env.url(
    "REDIS_URL",
    f"redis://127.0.0.1:{env.port('REDIS_PORT', 6379)}/0",
    schemes=("redis", "rediss", "unix"),
)
ML_SERVER_URL = env.url(
    "ML_SERVER_URL", f"http://127.0.0.1:{env.port('ML_SERVER_PORT', 9000)}", schemes=("http", "https")
)

# The transport adapter for outbound HTTP: the strict llhttp parser, or the stock adapter of requests.
OUTBOUND_TRANSPORT = env.choice("OUTBOUND_TRANSPORT", ("llhttp", "requests"), default="llhttp")
