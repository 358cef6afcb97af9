"""Varies a model's example within what its JSON Schema allows, without knowing the model."""

import random
from math import inf
from typing import Any

# Standard deviations of two factors' logarithms: one factor for a whole input, as the parts of a small sample are all
# small, and one for each number.
TOGETHER = 0.35
ALONE = 0.12
DIGITS = 4  # significant ones, as an instrument would give them


def varied(example: Any, schema: Any, rng: random.Random) -> Any:
    """`example` in its own shape, with other numbers and choices where `schema` describes them.

    What no schema describes stays as it is, and so does a number whose variation would leave its bounds.
    """
    return _varied(example, schema, rng, rng.lognormvariate(0, TOGETHER))


def _varied(value: Any, schema: Any, rng: random.Random, size: float) -> Any:
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return {name: _varied(inner, members.get(name), rng, size) for name, inner in value.items()}
    if isinstance(value, list):
        return [_varied(inner, schema.get("items"), rng, size) for inner in value]
    if isinstance(schema.get("enum"), list) and value in schema["enum"]:
        return rng.choice(schema["enum"])
    return _number(value, schema, size * rng.lognormvariate(0, ALONE))


def _number(value: Any, schema: dict[str, Any], factor: float) -> Any:
    if type(value) not in {int, float} or schema.get("type") not in ("number", "integer"):
        return value
    whole = isinstance(value, int) or schema["type"] == "integer"
    moved = round(value * factor) if whole else float(f"{value * factor:.{DIGITS}g}")
    return moved if _fits(moved, schema) else value


def _fits(number: float, schema: dict[str, Any]) -> bool:
    inside = schema.get("minimum", number) <= number <= schema.get("maximum", number)
    return bool(inside and schema.get("exclusiveMinimum", -inf) < number < schema.get("exclusiveMaximum", inf))
