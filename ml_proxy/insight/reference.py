"""The distribution of a model's training data, from the `reference` of its entry in model-info.

`{"rows": 455, "inputs": {"/features/mean_radius": {"minimum", "maximum", "edges", "counts"}, "/ward": {"categories":
{"A": 12}}}}`: by the JSON pointer of an input, either bins of numbers or categories of texts. A bin includes its lower
edge; `counts` has one entry more than `edges`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common import strict_json
from common.strict_json import Number, Value, member
from ml_proxy.exceptions import UpstreamError
from ml_proxy.model_classes import model_info

MAX_INPUTS, MAX_BINS = 1000, 100
NO_REFERENCE = (
    "The model server tells no distribution of the training data: its model-info needs `reference`. The reference "
    "model server has it for a model of numbers from the next retrain on."
)
NO_ANSWER = "The model server does not answer, so the training data is unknown: try again."


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input's distribution in the training data; the last bin of `counts` is for values that are missing."""

    pointer: str
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()

    def bin(self, value: Any) -> int:
        """The bin of a value; the last one if it is missing or of another type."""
        if self.bounds is not None and type(value) in {int, float}:
            return bisect_right(self.edges, value)
        return self.categories.index(value) if value in self.categories else len(self.counts) - 1

    def is_outside(self, value: Any) -> bool:
        """Whether the training data had no such value: beyond its bounds, or another category."""
        if self.bounds is None:
            return value is not None and value not in self.categories
        return type(value) in {int, float} and not self.bounds[0] <= value <= self.bounds[1]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The training data of one model version; without `inputs`, `reason` says why."""

    model_name: str = ""
    model_version: str = ""
    rows: int = 0
    inputs: tuple[Input, ...] = ()
    reason: str = ""


def reference(model: str | None) -> Reference:
    """The reference of a model's serving version, of the default model for None."""
    try:
        info = model_info()
    except UpstreamError:
        return Reference(model_name=model or "", reason=NO_ANSWER)
    name = model or member(info, "name")
    listed = member(info, "models")
    found = [each for each in listed if member(each, "name") == name] if isinstance(listed, list) else []
    told = member(found[0], "reference") if found else None
    inputs = _inputs(member(told, "inputs"))
    return Reference(
        model_name=name if type(name) is str else "",
        model_version=str(member(found[0], "version") or "") if found else "",
        rows=_integer(member(told, "rows")),
        inputs=inputs,
        reason="" if inputs else NO_REFERENCE,
    )


def values(body: str, inputs: Sequence[Input]) -> list[Any] | None:
    """The values of the inputs in a request's body; None each that is missing. None if the body can't be read."""
    parsed = strict_json.parse_fast(body.encode("utf-8", "surrogatepass"))
    return [_at(parsed, each.pointer) for each in inputs] if isinstance(parsed, dict) else None


def _at(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), or None."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _inputs(told: Value) -> tuple[Input, ...]:
    listed = told[:MAX_INPUTS] if strict_json.is_object(told) else ()
    read = [_numbers(pointer, each) or _categories(pointer, each) for pointer, each in listed]
    return tuple(each for each in read if each is not None)


def _numbers(pointer: str, told: Value) -> Input | None:
    edges, counts = _list(member(told, "edges")), _list(member(told, "counts"))
    low, high = _number(member(told, "minimum")), _number(member(told, "maximum"))
    if not edges or len(counts) != len(edges) + 1 or low is None or high is None or edges != sorted(edges):
        return None
    whole = tuple(int(count) for count in counts)
    return Input(pointer=pointer, counts=(*whole, 0), edges=tuple(edges), bounds=(low, high))


def _categories(pointer: str, told: Value) -> Input | None:
    listed = member(told, "categories")
    counts: Mapping[str, int] = (
        {name: _integer(count) for name, count in listed[:MAX_BINS]} if strict_json.is_object(listed) else {}
    )
    return Input(pointer=pointer, counts=(*counts.values(), 0), categories=tuple(counts)) if counts else None


def _list(told: Value) -> list[float]:
    found = [_number(each) for each in told[:MAX_BINS]] if isinstance(told, list) else []
    return [each for each in found if each is not None]


def _number(told: Value) -> float | None:
    return float(told) if isinstance(told, Number) else None


def _integer(told: Value) -> int:
    return int(number) if (number := _number(told)) is not None and 0 <= number < 2**53 else 0
