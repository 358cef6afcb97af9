"""`fetch_models`: the weights of the models that run without any key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from imaging.weights import folder
from imaging.weights.catalogue import MODELS, Model
from imaging.weights.checkpoint import BadCheckpoint
from imaging.weights.packages import NotAvailable


class Command(BaseCommand):
    """Fetches what is missing."""

    help = "Downloads the weights of the desk photos' models, checks them, and converts them to ONNX. Repeatable."
    requires_system_checks: Any = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Says what it does for each model. Raises `CommandError` if one is still missing."""
        failures = [
            failure for number, model in enumerate(MODELS.values(), 1) if (failure := self._fetch(number, model))
        ]
        if failures:
            raise CommandError(f"{'; '.join(failures)}. Everything else works without it. Try again: make models")

    def _fetch(self, number: int, model: Model) -> str:
        """Returns why it failed; blank if the model is there."""
        head = f"{number} of {len(MODELS)}: {model.title}"
        if folder.is_there(model):
            self.stdout.write(f"{head}: is there")
            return ""
        self.stdout.write(f"{head}: downloading {model.megabytes} MB")
        self.stdout.flush()
        try:
            folder.fetch(model)
        except (NotAvailable, BadCheckpoint, OSError) as exc:
            return f"{model.name}: {exc}"
        self.stdout.write(f"{head}: ready")
        return ""
