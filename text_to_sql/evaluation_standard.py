"""Which models may answer: one that was found worse than the accepted one is refused, as a retrained model is.

The standard is the newest accepted evaluation. A model with a prompt version that was never evaluated may answer:
nothing is known against it.
"""

import math
from collections.abc import Mapping

from text_to_sql.exceptions import ModelNotAccepted
from text_to_sql.models import Evaluation

CHANCE = 0.05
LEAST_QUESTIONS = 20  # that both were asked; with fewer, nothing is refused


def require_accepted(model: str, prompt_version: str) -> None:
    """Raises `ModelNotAccepted` if the newest evaluation of this model and prompt found it worse."""
    verdicts = Evaluation.objects.filter(model=model, prompt_version=prompt_version).values_list("verdict", flat=True)
    if verdicts.first() == Evaluation.Verdict.WORSE:
        raise ModelNotAccepted(
            f"The model {model} with prompt {prompt_version} answered the published questions worse than the accepted "
            "one: set LLM_MODEL to another, or accept it with `manage.py evaluate_sql --accept`."
        )


def store(model: str, prompt_version: str, outcomes: Mapping[str, bool], *, accept: bool) -> Evaluation:
    """Keeps an evaluation. `outcomes` say by question id whether the answer was right."""
    standard = Evaluation.objects.filter(verdict=Evaluation.Verdict.ACCEPTED).first()
    verdict = Evaluation.Verdict.ACCEPTED if accept else _verdict(outcomes, standard)
    return Evaluation.objects.create(
        model=model, prompt_version=prompt_version, verdict=verdict, outcomes=dict(outcomes)
    )


def chance_of(lost: int, won: int) -> float:
    """How likely it is to lose so many or more of the questions that one answered and the other did not, by chance.

    McNemar's exact test, one-sided.
    """
    every = lost + won
    return sum(math.comb(every, number) for number in range(lost, every + 1)) / float(2**every)


def _verdict(outcomes: Mapping[str, bool], standard: Evaluation | None) -> str:
    if standard is None:
        return Evaluation.Verdict.NOT_WORSE
    both = outcomes.keys() & standard.outcomes.keys()
    lost = sum(standard.outcomes[name] and not outcomes[name] for name in both)
    won = sum(outcomes[name] and not standard.outcomes[name] for name in both)
    is_worse = len(both) >= LEAST_QUESTIONS and lost > won and chance_of(lost, won) < CHANCE
    return Evaluation.Verdict.WORSE if is_worse else Evaluation.Verdict.NOT_WORSE
