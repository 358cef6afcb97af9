"""Varies a model's example within its JSON Schema, without knowledge of the model."""

import random
from math import inf
from typing import Any

# Each number is multiplied by two log-normal factors with these standard deviations: one factor for the whole input,
# because all values of a small sample are small, and one for each number.
INPUT_SIGMA = 0.35
NUMBER_SIGMA = 0.12
DIGITS = 4  # significant digits, as an instrument would report them


def varied(example: Any, schema: Any, rng: random.Random) -> Any:
    """Returns a copy of `example` with other numbers and choices where `schema` describes them.

    Values without a schema stay unchanged, as does a number whose variation would exceed its bounds.
    """
    return _varied(example, schema, rng, rng.lognormvariate(0, INPUT_SIGMA))


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
    return _number(value, schema, size * rng.lognormvariate(0, NUMBER_SIGMA))


def _number(value: Any, schema: dict[str, Any], factor: float) -> Any:
    if type(value) not in {int, float} or schema.get("type") not in ("number", "integer"):
        return value
    is_integer = isinstance(value, int) or schema["type"] == "integer"
    scaled = round(value * factor) if is_integer else float(f"{value * factor:.{DIGITS}g}")
    return scaled if _is_valid(scaled, schema) else value


def _is_valid(number: float, schema: dict[str, Any]) -> bool:
    inside = schema.get("minimum", number) <= number <= schema.get("maximum", number)
    return bool(inside and schema.get("exclusiveMinimum", -inf) < number < schema.get("exclusiveMaximum", inf))
