"""A model's change plan: which new versions may come into service without a person.

Regulators call this a predetermined change control plan (FDA, section 515C of the FD&C Act). It is the file
`change_plan.json` beside the model's card; `models/README.md` describes it. A model without the file has `DEFAULT`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from jsonschema import Draft202012Validator

from ml_server.exceptions import InvalidChangePlan

PLAN_FILE = "change_plan.json"
MAX_COUNTED = 100  # promotions in a period; the store keeps more of them
_FRACTION = {"type": "number", "minimum": 0, "maximum": 1}
PLAN_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "description": {"type": "string", "maxLength": 2000},
        "metrics": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"floor": _FRACTION, "largest_fall": _FRACTION},
            },
        },
        "critical_classes": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "automatic_promotions": {
            "type": "object",
            "additionalProperties": False,
            "required": ["largest_number", "days"],
            "properties": {
                "largest_number": {"type": "integer", "minimum": 0, "maximum": MAX_COUNTED},
                "days": {"type": "integer", "minimum": 1, "maximum": 366},
            },
        },
        "largest_new_share": _FRACTION,
    },
}


@dataclass(frozen=True)
class MetricLimit:
    """`floor`: the lowest value on the new version's hold-out. `largest_fall`: below the serving version, same rows."""

    floor: float = 0.0
    largest_fall: float = 0.0


@dataclass(frozen=True)
class ChangePlan:
    """What a new version must keep to, to be promoted automatically.

    `max_promotions`: automatic promotions within `period_days` days. `largest_new_share`: examples that the serving
    version was not trained on, as a fraction of the dataset's training rows.
    """

    metrics: Mapping[str, MetricLimit] = field(default_factory=lambda: {"accuracy": MetricLimit(largest_fall=0.005)})
    critical_classes: tuple[str, ...] = ()
    max_promotions: int = 20
    period_days: int = 1
    largest_new_share: float = 0.25
    description: str = ""

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """Reads members that match `PLAN_SCHEMA`. Missing ones get their defaults."""
        found = {name: members[name] for name in ("description", "largest_new_share") if name in members}
        if "metrics" in members:
            found["metrics"] = {name: MetricLimit(**limit) for name, limit in members["metrics"].items()}
        if "critical_classes" in members:
            found["critical_classes"] = tuple(members["critical_classes"])
        if limit := members.get("automatic_promotions"):
            found |= {"max_promotions": limit["largest_number"], "period_days": limit["days"]}
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """The plan as in its file, with the defaults filled in; `model-info` shows it."""
        return {
            "description": self.description,
            "metrics": {
                name: {"floor": limit.floor, "largest_fall": limit.largest_fall} for name, limit in self.metrics.items()
            },
            "critical_classes": list(self.critical_classes),
            "automatic_promotions": {"largest_number": self.max_promotions, "days": self.period_days},
            "largest_new_share": self.largest_new_share,
        }

    def check_model(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Compares the plan with the model that it is for. Raises `InvalidChangePlan` if they don't fit."""
        known: dict[str, Sequence[str]] = {"metric": list(metadata["metrics"]), "class": metadata["classes"]}
        named = {"metric": list(self.metrics), "class": self.critical_classes}
        for kind, names in named.items():
            for unknown in [each for each in names if each not in known[kind]]:
                listed = ", ".join(known[kind][:20]) or "none"
                raise InvalidChangePlan(
                    f"the change plan of {name} names a {kind} that the model lacks, {unknown}: it has {listed}"
                )


DEFAULT = ChangePlan()


def read_plan(*folders: Path) -> ChangePlan | None:
    """The plan in the first of `folders` that has one; None if none has. Raises `InvalidChangePlan`."""
    path = next((folder / PLAN_FILE for folder in folders if (folder / PLAN_FILE).exists()), None)
    if path is None:
        return None
    try:
        members = json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise InvalidChangePlan(f"{path} can't be read as JSON ({type(exc).__name__}): correct it") from exc
    error = next(iter(Draft202012Validator(PLAN_SCHEMA).iter_errors(members)), None)
    if error:
        where = "/".join(map(str, error.absolute_path)) or "the file"
        raise InvalidChangePlan(f"{path} is no change plan: {where}: {error.message[:200]}")
    return ChangePlan.from_json(members)
