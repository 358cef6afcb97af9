"""`unlock`: lets an account or an address sign in again at once."""

from argparse import ArgumentParser
from ipaddress import ip_address, ip_network
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import lockout
from common.client_address import SUBSCRIBER_BITS


class Command(BaseCommand):
    """Forgets failed sign-ins."""

    help = "Lets an account, an address, or everybody sign in again at once after too many failed sign-ins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One of three."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("user", nargs="?", metavar="USER", help="the account, from every address")
        which.add_argument("--address", help="the IP address, for every account")
        which.add_argument("--all", action="store_true", help="everything")

    def handle(self, *args: Any, **options: Any) -> None:
        """Unlocks, and says how much there was to unlock."""
        count = self._unlock(options)
        self.stdout.write(f"forgot the failures in {count} counters" if count else "there was nothing to unlock")

    def _unlock(self, options: dict[str, Any]) -> int:
        if options["all"]:
            return lockout.unlock_all()
        if options["user"]:
            return lockout.unlock_account(options["user"])
        try:
            address = ip_address(options["address"])
        except ValueError:
            raise CommandError(f"--address can't be {options['address']!r}: give an IP address") from None
        is_single = address.version == 4
        return lockout.unlock_network(
            str(address if is_single else ip_network(f"{address}/{SUBSCRIBER_BITS}", strict=False))
        )
