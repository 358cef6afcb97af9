"""What a caller may ask of a training."""

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
    """Of one training.

    `C`: inverse strength of the L2 penalty. `seed`: of the split and of the order of rows. `test_size`: share of rows
    held out. `epochs`: passes over the training rows. `min_seconds`: the least it lasts, the passes spread over them.
    `promote`: whether the new version comes into service, see `ml_server.judging`.
    """

    C: float = 1.0
    seed: int = 7
    test_size: float = 0.25
    epochs: int = 50
    min_seconds: float = 0.0
    promote: str = UNLESS_WORSE

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From what `PARAMS_SCHEMA` accepts, where 5.0 is a whole number too; defaults for what is not given."""
        return cls(**{name: getattr(cls, name).__class__(value) for name, value in given.items()})
