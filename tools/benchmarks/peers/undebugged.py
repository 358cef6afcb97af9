"""The gateway's settings outside DEBUG, but open to all as only DEBUG allows: to see what DEBUG costs."""

from backend.settings import *  # noqa: F403

DEBUG = False
