"""`manage.py create_token`: creates an API token and prints it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import tokens
from accounts.scopes import SCOPES, UnknownScope

BAD_INPUT = 2  # exit status, as argparse's


class Command(BaseCommand):
    """Creates a token."""

    help = (
        "Creates an API token of a user and prints it alone on the last line. Nobody can read it again. Send it as "
        "Authorization: Bearer TOKEN."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The user, and how the token is restricted."""
        parser.add_argument("user", help="the user name; what the token may do is at most what this user may")
        scopes = ", ".join(SCOPES)
        parser.add_argument("--scope", action="append", default=[], help=f"one of {scopes}; may be repeated")
        parser.add_argument("--expires", help="a duration such as 90d, 12h, 30m or 4w; without it, never")
        parser.add_argument("--name", default="", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the token. Raises `CommandError`."""
        user = _active_user(options["user"])
        names = [name for text in options["scope"] for name in text.split(",")]
        if options["scope"] and not any(name.strip() for name in names):
            raise CommandError("--scope is empty: leave it out for all that the user may.", returncode=BAD_INPUT)
        expires_at = _expiry(options["expires"])
        try:
            row, token = tokens.create(user, name=options["name"][:100], scopes=names, expires_at=expires_at)
        except UnknownScope as exc:
            raise CommandError(f"--scope {exc}.", returncode=BAD_INPUT) from exc
        until = f"{expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "it is revoked"
        self.stderr.write(f"A token of {user} for {row.scopes or 'all that the user may'}, valid until {until}:")
        self.stdout.write(token)


def _active_user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.", returncode=BAD_INPUT)
    if not user.is_active:
        raise CommandError(f"The user {name} is not active.", returncode=BAD_INPUT)
    return user


def _expiry(duration: str | None) -> datetime | None:
    try:
        return None if duration is None else tokens.expiry(duration)
    except ValueError as exc:
        raise CommandError(f"--expires {exc}.", returncode=BAD_INPUT) from exc
