"""The hook of drf-spectacular that completes the description."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from backend.openapi import problems, texts

Node = dict[str, Any]
WORDS = ("items", "additionalProperties", "anyOf", "oneOf", "allOf")


def complete(result: Node, generator: Any, request: Any, public: bool) -> Node:
    """A postprocessing hook. It runs after those that add operations."""
    engines = texts.engines()
    result["info"]["description"] = texts.introduction()
    result["tags"] = [{"name": engine["name"], "description": engine["description"]} for engine in engines]
    for path, operations in result["paths"].items():
        for operation in operations.values():
            if tags := _engine(path, engines):
                operation["tags"] = tags
    problems.add(result, texts.answers())
    _describe(result, texts.fields())
    _add_examples(result, texts.examples())
    return result


def _engine(path: str, engines: list[Node]) -> list[str]:
    """The engine with the longest beginning of the path, as a list; empty for a path of none."""
    starts = {start: str(engine["name"]) for engine in engines for start in engine["paths"] if path.startswith(start)}
    return [starts[max(starts, key=len)]] if starts else []


def _describe(result: Node, fields: dict[str, str]) -> None:
    for name, schema in result["components"]["schemas"].items():
        _describe_fields(name, schema, fields)
    for operation in _operations(result):
        for parameter in operation.get("parameters", ()):
            _give(parameter, fields, operation["operationId"], parameter["name"])
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                _describe_fields(operation["operationId"], media.get("schema"), fields)


def _describe_fields(owner: str, node: Any, fields: dict[str, str]) -> None:
    for inner in node if isinstance(node, list) else ():
        _describe_fields(owner, inner, fields)
    if not isinstance(node, dict):
        return
    for name, field in node.get("properties", {}).items():
        _give(field, fields, owner, name)
        _describe_fields(f"{owner}.{name}", field, fields)
    for word in WORDS:
        _describe_fields(owner, node.get(word), fields)


def _give(node: Node, fields: dict[str, str], owner: str, name: str) -> None:
    """Describes a field that does not describe itself."""
    text = fields.get(f"{owner}.{name}") or fields.get(name)
    if text and not node.get("description"):
        node["description"] = text


def _add_examples(result: Node, examples: dict[str, Node]) -> None:
    for operation in _operations(result):
        example = examples.get(operation["operationId"], {})
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in example.get("parameters", {}):
                parameter["example"] = example["parameters"][parameter["name"]]
        if "request" in example:
            _set_example(operation["requestBody"], example["request"])
        for status, response in operation["responses"].items():
            found = example.get("answers", {}).get(status, example.get("answer"))
            if status.startswith("2") and found is not None:
                _set_example(response, found)


def _set_example(body: Node, example: Any) -> None:
    if media := body.get("content", {}).get("application/json"):
        media["example"] = deepcopy(example)  # a shared one would become an alias of YAML


def _operations(result: Node) -> Iterator[Node]:
    for operations in result["paths"].values():
        yield from operations.values()
