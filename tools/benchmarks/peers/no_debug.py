"""The gateway's settings outside DEBUG, but with the open API that only DEBUG allows: shows the cost of DEBUG."""

from backend.settings import *  # noqa: F403

DEBUG = False
