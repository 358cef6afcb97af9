"""`manage.py evaluate_sql`: how well the connected model answers the published questions."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from text_to_sql import evaluation_standard
from text_to_sql.agents import query_generator
from text_to_sql.evaluation import report
from text_to_sql.evaluation.questions import Question, questions
from text_to_sql.evaluation.questions import sample as evenly

if TYPE_CHECKING:
    from text_to_sql.evaluation.runner import Outcome

WITHOUT = "none"


class Command(BaseCommand):
    """Evaluates the model."""

    help = (
        "Asks 200 published questions of the four test databases (synthetic data; registered as long as this runs), "
        "compares the results with those of the gold SQL, and stores the outcome. A model or prompt that is worse than "
        "the accepted one, beyond chance, is refused for service. Without LLM_BASE_URL only verified examples answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--sample", type=int, help="ask so many questions, spread evenly over the set (all)")
        parser.add_argument("--accept", action="store_true", help="make this result the standard for later ones")
        parser.add_argument("--output", type=Path, help="write the report as JSON here, and as Markdown beside it")

    def handle(self, *args: Any, sample: int | None, accept: bool, output: Path | None, **options: Any) -> None:
        """Runs, prints the table, stores the outcome."""
        asked = questions() if sample is None else evenly(sample)
        outcomes = _outcomes(asked)
        found = report.described(outcomes, _model(), query_generator.VERSION)
        text = report.markdown(found)
        if output:
            output.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
            output.with_suffix(".md").write_text(text, "utf-8")
        self.stdout.write(text)
        if len(outcomes) < len(asked):
            raise CommandError(f"interrupted after {len(outcomes)} of {len(asked)} questions: nothing is stored")
        if found["model"] != WITHOUT:
            self._store(found, accept)

    def _store(self, found: dict[str, Any], accept: bool) -> None:
        outcomes = {each["id"]: each["is_right"] for each in found["outcomes"]}
        stored = evaluation_standard.store(found["model"], found["prompt_version"], outcomes, accept=accept)
        self.stdout.write(f"{stored}")


def _outcomes(asked: Sequence[Question]) -> "list[Outcome]":
    """How the questions were answered; those until an interrupt, since a small model needs half an hour for all."""
    from text_to_sql.evaluation import runner  # noqa: PLC0415 - Faker is loaded only here

    found: list[Outcome] = []
    with runner.databases() as known, suppress(KeyboardInterrupt):
        bar = tqdm(runner.run(asked, known), total=len(asked), unit="question", disable=None)
        for outcome in bar:
            found.append(outcome)
            bar.set_postfix_str(f"{sum(each.is_right for each in found)} right", refresh=False)
    return found


def _model() -> str:
    return settings.LLM_MODEL if settings.LLM_BASE_URL else WITHOUT
