"""The gateway's settings outside DEBUG, but with the open API that only DEBUG allows: shows the cost of a token."""

from backend.settings import *  # noqa: F403

API_AUTH = "open"
