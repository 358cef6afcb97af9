"""The tables of the app."""

from accounts.login_attempts import LoginAttempts

__all__ = ["LoginAttempts"]
