"""What an evaluation found, as data and as a Markdown table. Shares have Wilson's 95 % intervals."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from common.intervals import wilson
from text_to_sql.evaluation.questions import LANGUAGES, LEVELS
from text_to_sql.evaluation.runner import Outcome


def described(outcomes: Sequence[Outcome], model: str, prompt_version: str) -> dict[str, Any]:
    """The report: shares by group, tokens, seconds, and each question."""
    return {
        "model": model,
        "prompt_version": prompt_version,
        "questions": len(outcomes),
        "groups": {name: _group([each for each in outcomes if belongs(each)]) for name, belongs in _GROUPS.items()},
        "tokens_in": sum(each.tokens_in for each in outcomes),
        "tokens_out": sum(each.tokens_out for each in outcomes),
        "seconds": _times([each.seconds for each in outcomes]),
        "outcomes": [_outcome(each) for each in outcomes],
    }


def markdown(report: dict[str, Any]) -> str:
    """The report as a table."""
    head = (
        f"Model {report['model']}, prompt {report['prompt_version']}, {report['questions']} questions; "
        f"median {report['seconds']['median']:.1f} s, p95 {report['seconds']['p95']:.1f} s; "
        f"{report['tokens_in']} tokens in, {report['tokens_out']} out.\n\n"
        "| questions | right | 95 % interval | wrong, with SQL | refused | no SQL that runs |\n"
        "|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(name, group) for name, group in report["groups"].items() if group["questions"])


def _line(name: str, group: dict[str, Any]) -> str:
    low, high = group["interval"]
    return (
        f"| {name} | {group['right']} of {group['questions']} | {100 * low:.0f}-{100 * high:.0f} % "
        f"| {group['wrong']} | {group['refused']} | {group['failed']} |\n"
    )


def _group(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    kinds = [each.kind for each in outcomes]
    right = sum(each.is_right for each in outcomes)
    counted = {kind: kinds.count(kind) for kind in ("wrong", "refused", "failed")}
    return {"questions": len(outcomes), "right": right, "interval": wilson(right, len(outcomes)), **counted}


def _times(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"median": 0.0, "p95": 0.0}
    return {"median": statistics.median(seconds), "p95": sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1]}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    members = ("kind", "is_right", "sql", "detail", "by", "tokens_in", "tokens_out", "calls")
    asked = {"id": outcome.question.id, "level": outcome.question.level, "question": outcome.question.text}
    return asked | {name: getattr(outcome, name) for name in members} | {"seconds": round(outcome.seconds, 3)}


def _level(level: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.question.level == level


def _language(language: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.question.language == language and bool(outcome.question.golds)


_GROUPS: dict[str, Callable[[Outcome], bool]] = {
    "answerable": lambda outcome: bool(outcome.question.golds),
    **{f"answerable, {language}": _language(language) for language in LANGUAGES},
    **{level: _level(level) for level in LEVELS},
}
