"""The examples of the OpenAPI description work: the gateway takes each request, and answers as described."""

import json
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator
from pytest_django import Settings

from tests.support.inference_rows import insert_row
from text_to_sql.models import Column, Database, QuestionSession, Table

pytestmark = pytest.mark.any_database

Node = dict[str, Any]

# In this order: an example needs what those before it have made.
WRITES = (
    "predict",
    "give_feedback",
    "start_retrain_job",
    "cancel_retrain_job",
    "retrain",
    "promote_model",
    "change_database",
    "save_tables",
    "describe_table",
    "describe_column",
    "add_synonym",
    "add_example",
    "generate_sql",
    "verify_sql",
)
# They need an outside database, picture, provider or MLflow, or what nothing here has made.
OUTSIDE = {
    "register_database",
    "extract_tables",
    "execute_sql",
    "cancel_sql_job",
    "classify_desk",
    "start_generated_v1",
    "start_generated_v2",
    "put_generated_v1",
    "put_generated_v2",
    "get_desk_photo_job",
    "follow_desk_photo_job",
    "cancel_desk_photo_job",
    "log_prediction",
    "get_mlflow_run",
    "get_sql_job",
    "get_retrain_job",
    "get_imaging_call",
    "get_text_to_sql_execution",
    "get_text_to_sql_llm",
    "get_readiness",
}
PATIENTS = "SELECT COUNT(*) AS n FROM patient"


def operations(schema: Node) -> dict[str, tuple[str, str, Node]]:
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture
def described(empty_redis: str, settings: Settings) -> Node:
    """The description; what its examples name by id is there."""
    settings.REDIS_URL = empty_redis
    found: Node = yaml.safe_load(Client().get("/api/schema/").content)
    insert_row(id=UUID(parameter(found, "get_inference", "inference_id")))
    database = Database.objects.create(id=1, kor_name="의원", engine=Database.Engine.SQLITE, port=0, db="clinic.db")
    table = Table.objects.create(id=1, database=database, name="patient")
    Column.objects.create(id=1, table=table, name="id", position=0, data_type="INTEGER")
    session = UUID(parameter(found, "verify_sql", "session_id"))
    QuestionSession.objects.create(id=session, database=database, question="How many?", sql=PATIENTS)
    return found


def parameter(schema: Node, name: str, field: str) -> str:
    _, _, operation = operations(schema)[name]
    return str(next(each["example"] for each in operation["parameters"] if each["name"] == field))


def ask(schema: Node, gateway: Client, name: str, **ids: str) -> Any:
    """Sends an operation's example."""
    method, path, operation = operations(schema)[name]
    given = {each["name"]: each for each in operation.get("parameters", ()) if "example" in each}
    names = {key: each["example"] for key, each in given.items() if each["in"] == "path"} | ids
    query = {key: each["example"] for key, each in given.items() if each["in"] == "query"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    text = "" if body is None else json.dumps(body)
    return gateway.generic(
        method.upper(), path.format(**names), text, content_type="application/json", query_params=query
    )


def require_described(schema: Node, name: str, response: Any) -> None:
    _, _, operation = operations(schema)[name]
    assert response.status_code < 300, (name, response.content)
    status = str(response.status_code)
    answer = operation["responses"].get(status) or operation["responses"]["2XX"]
    kind = response["Content-Type"].partition(";")[0]
    if kind == "application/json":
        validator = Draft202012Validator({"components": schema["components"], **answer["content"][kind]["schema"]})
        validator.validate(json.loads(response.content))
    else:
        assert kind in answer["content"]
    if response.streaming:
        b"".join(response)  # to its end, or else it keeps the place of the next export


@pytest.mark.django_db
def test_each_request_is_taken_and_answered_as_described(gateway: Client, described: Node) -> None:
    job = ""
    for name in WRITES:
        ids = {"job_id": job} if name == "cancel_retrain_job" else {}
        response = ask(described, gateway, name, **ids)
        require_described(described, name, response)
        job = response.json()["id"] if name == "start_retrain_job" else job
    reads = [
        name
        for name, (method, path, _) in operations(described).items()
        if method == "get" and name not in OUTSIDE and "{token}" not in path
    ]
    for name in reads:
        require_described(described, name, ask(described, gateway, name))


@pytest.mark.django_db
def test_no_request_is_left_out(described: Node) -> None:
    written = {
        name
        for name, (method, _, operation) in operations(described).items()
        if method != "get" and ("requestBody" in operation or method == "post")
    }
    assert written == set(WRITES) | (OUTSIDE & written)
