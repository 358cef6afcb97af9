"""`manage.py revoke_token`: revokes API tokens."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import tokens
from accounts.models import ApiToken

BAD_INPUT = 2  # exit status, as argparse's


class Command(BaseCommand):
    """Revokes tokens."""

    help = "Revokes one token, or all tokens of a user. Every process refuses them within two seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tokens."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("token", nargs="?", help="its id, its first characters as the admin shows them, or itself")
        which.add_argument("--user", help="all tokens of this user")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many were revoked. Raises `CommandError`."""
        found = _of_user(options["user"]) if options["user"] else [_one(options["token"])]
        count = tokens.revoke(found)
        self.stdout.write(f"Revoked: {count}. Revoked before: {len(found) - count}.")


def _of_user(name: str) -> list[ApiToken]:
    found = list(ApiToken.objects.filter(user__username=name))
    if not found:
        raise CommandError(f"There is no user {name}, or the user has no token.", returncode=BAD_INPUT)
    return found


def _one(text: str) -> ApiToken:
    try:
        found = list(ApiToken.objects.filter(pk=UUID(text)))
    except ValueError:
        found = list(ApiToken.objects.filter(digest=tokens.digest_of(text)) or ApiToken.objects.filter(prefix=text))
    if len(found) != 1:
        problem = "no token" if not found else "more than one token"
        raise CommandError(f"There is {problem} with this id or beginning.", returncode=BAD_INPUT)
    return found[0]
