"""`manage.py rotate_credentials`: encrypts the passwords of databases with the first key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from common.exceptions import GatewayError
from text_to_sql import credentials
from text_to_sql.models import Database


class Command(BaseCommand):
    """Rotates the passwords."""

    help = "Encrypts the passwords of all databases with the first key of DATABASE_CREDENTIAL_KEYS."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Rotates all of them, or none."""
        databases = list(Database.objects.select_for_update().exclude(password=""))
        try:
            for database in databases:
                database.password = credentials.rotate(database.password)
                database.save(update_fields=["password"])
        except GatewayError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"{len(databases)} passwords are encrypted with the first key.")
