"""The parameters of a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

UNLESS_WORSE, ALWAYS, NEVER = "unless_worse", "always", "never"
PARAMS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "C": {"type": "number", "minimum": 1e-4, "maximum": 1e4},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
        "test_size": {"type": "number", "minimum": 0.1, "maximum": 0.5},
        "epochs": {"type": "integer", "minimum": 1, "maximum": 1000},
        "min_seconds": {"type": "number", "minimum": 0, "maximum": 86400},
        "promote": {"type": "string", "enum": [UNLESS_WORSE, ALWAYS, NEVER]},
        "forget_feedback": {"type": "boolean"},
    },
}
RETRAIN_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {"model": {"type": "string"}, "params": PARAMS_SCHEMA, "examples": {"type": "array"}},
}


@dataclass(frozen=True)
class Params:
    """The parameters of one training.

    `C`: inverse strength of the L2 penalty. `seed`: seed of the split and of the order of rows. `test_size`: fraction
    of the rows that is held out. `epochs`: passes over the training rows. `min_seconds`: minimum duration; the epochs
    are spread over it. `promote`: when to promote the new version, see `ml_server.promotion`. `forget_feedback`: train
    without the examples of earlier trainings.
    """

    C: float = 1.0
    seed: int = 7
    test_size: float = 0.25
    epochs: int = 50
    min_seconds: float = 0.0
    promote: str = UNLESS_WORSE
    forget_feedback: bool = False

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """Reads members that match `PARAMS_SCHEMA`, where 5.0 is an integer too. Missing ones get their defaults."""
        return cls(**{name: getattr(cls, name).__class__(value) for name, value in members.items()})
