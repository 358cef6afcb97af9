"""Each operation and each field of the OpenAPI description says what it is, and its examples are valid."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

Node = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Node:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    found: Node = yaml.safe_load(response.content)
    return found


def operations(schema: Node) -> Iterator[tuple[str, Node]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(schema: Node, node: Node) -> Node:
    while "$ref" in node:
        _, *names = node["$ref"].split("/")
        node = schema
        for name in names:
            node = node[name]
    return node


def media(schema: Node, operation: Node) -> Iterator[tuple[str, str, Node]]:
    """Each body: what it is of, its media type, and its description."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, content
    for status, response in operation["responses"].items():
        for kind, content in resolved(schema, response).get("content", {}).items():
            yield status, kind, content


def properties(name: str, node: Any) -> Iterator[tuple[str, Node]]:
    """All properties below a schema, by their path."""
    if isinstance(node, list):
        for inner in node:
            yield from properties(name, inner)
    if not isinstance(node, dict):
        return
    for field, inner in node.get("properties", {}).items():
        yield f"{name}.{field}", inner
        yield from properties(f"{name}.{field}", inner)
    for word in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
        yield from properties(name, node.get(word))


def test_each_operation_says_what_it_does(schema: Node) -> None:
    gaps = [
        f"{name}: {word}"
        for name, operation in operations(schema)
        for word in ("summary", "description", "tags")
        if not operation.get(word)
    ]
    assert gaps == []


def test_each_tag_is_an_engine_with_a_description(schema: Node) -> None:
    described = {tag["name"] for tag in schema["tags"] if tag.get("description")}
    used = {tag for _, operation in operations(schema) for tag in operation["tags"]}
    assert used == described
    assert all(len(operation["tags"]) == 1 for _, operation in operations(schema))


def test_each_parameter_and_header_field_says_what_it_is(schema: Node) -> None:
    gaps = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(schema)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    gaps += [
        f"{name}: {status} {field}"
        for name, operation in operations(schema)
        for status, response in operation["responses"].items()
        for field, header in resolved(schema, response).get("headers", {}).items()
        if not header.get("description")
    ]
    assert gaps == []


def test_each_field_says_what_it_is(schema: Node) -> None:
    found = [item for name, node in schema["components"]["schemas"].items() for item in properties(name, node)]
    found += [
        item
        for name, operation in operations(schema)
        for _, _, content in media(schema, operation)
        for item in properties(name, content.get("schema"))
    ]
    described = {name for name, node in found if node.get("description")}  # branches of anyOf repeat names
    assert [name for name, _ in found if name not in described] == []


def test_each_answer_says_when_it_comes(schema: Node) -> None:
    gaps = [
        f"{name}: {status}"
        for name, operation in operations(schema)
        for status, response in operation["responses"].items()
        if not resolved(schema, response).get("description")
    ]
    assert gaps == []


def test_each_operation_names_its_errors(schema: Node) -> None:
    gaps = []
    for name, operation in operations(schema):
        expected = set() if name.endswith("z") else {"401", "403"}
        expected |= {"404"} if "{" in name else set()
        expected |= {"400"} if operation.get("requestBody") or "?" in name else set()
        found = set(operation["responses"])
        if "4XX" not in found and expected - found:
            gaps.append(f"{name}: {sorted(expected - found)}")
    assert gaps == []


def examples(schema: Node) -> Iterator[tuple[str, str, Any, Node]]:
    """Each example: the operation, what it is of, the example, and the schema of the body."""
    for name, operation in operations(schema):
        for part, kind, content in media(schema, operation):
            if "example" in content:
                yield name, f"{part} {kind}", content["example"], content["schema"]


def is_success(status: str) -> bool:
    return status.startswith("2")


def test_each_operation_has_an_example(schema: Node) -> None:
    found = {(name, part.split()[0]) for name, part, _, _ in examples(schema)}
    gaps = []
    for name, operation in operations(schema):
        for part, kind, _ in media(schema, operation):
            is_json = kind == "application/json"
            if is_json and (part == "request" or is_success(part)) and (name, part) not in found:
                gaps.append(f"{name}: {part}")
    assert gaps == []


def test_its_examples_are_valid(schema: Node) -> None:
    for name, part, example, body in examples(schema):
        validator = Draft202012Validator({"components": schema["components"], **body}, format_checker=FormatChecker())
        assert [error.message for error in validator.iter_errors(example)] == [], (name, part)


def test_it_says_how_to_sign_in(schema: Node) -> None:
    schemes = schema["components"]["securitySchemes"]
    assert all(scheme.get("description") for scheme in schemes.values())
    assert "### Sign in" in schema["info"]["description"]
    for name, operation in operations(schema):
        assert bool(operation["security"]) != name.endswith("z"), name
        assert {each for way in operation["security"] for each in way} <= set(schemes)
