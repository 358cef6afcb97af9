"""The OpenAPI description is valid, complete, correct, and readable without another host."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from pytest_django import Settings

from accounts import api_urls as accounts
from accounts.access_log import urls as access_log
from integrations.mlflow import urls as mlflow
from ml_proxy import urls as ml_proxy
from tests.support.feedback import feedback_path
from tests.support.inference_rows import insert_row
from tests.support.network import free_port

pytestmark = pytest.mark.any_database

WRITTEN = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"
OPERATIONS = {
    ("post", "/ml/v1/predict/"),
    ("get", "/ml/v1/status/"),
    ("get", "/ml/v1/model-info/"),
    ("get", "/ml/v1/models/"),
    ("post", "/ml/v1/models/{name}/versions/{version}/promote/"),
    ("post", "/ml/v1/retrain/"),
    ("post", "/ml/v1/retrain/jobs/"),
    ("get", "/ml/v1/retrain/jobs/"),
    ("get", "/ml/v1/retrain/jobs/{job_id}/"),
    ("post", "/ml/v1/retrain/jobs/{job_id}/cancel/"),
    ("get", "/ml/v1/history/"),
    ("get", "/ml/v1/history/export/"),
    ("get", "/ml/v1/access-log/"),
    ("get", "/ml/v1/access-log/export/"),
    ("get", "/ml/v1/history/{inference_id}/"),
    ("get", "/ml/v1/history/{inference_id}/feedback/"),
    ("post", "/ml/v1/history/{inference_id}/feedback/"),
    ("get", "/ml/v1/dataset/"),
    ("get", "/ml/v1/files/{token}/"),
    ("get", "/ml/v1/accuracy/"),
    ("get", "/ml/v1/insight/overview/"),
    ("get", "/ml/v1/insight/accuracy/"),
    ("get", "/ml/v1/insight/drift/"),
    ("get", "/ml/v1/insight/review/"),
    ("post", "/ml/v1/mlflow/log-prediction/"),
    ("get", "/ml/v1/mlflow/runs/{run_id}/"),
    ("get", "/ml/v1/me/"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/ai/calls/"),
    ("get", "/ai/calls/export/"),
    ("get", "/ai/calls/{row_id}/"),
    ("get", "/ai/pictures/{token}/"),
    ("post", "/ai/classify/"),
    ("get", "/ai/healthcheck/"),
    ("get", "/ai/info/"),
    ("post", "/ai/generated/v1/"),
    ("post", "/ai/generated/v2/"),
    ("put", "/ai/generated/v1/{job_id}/"),
    ("put", "/ai/generated/v2/{job_id}/"),
    ("get", "/ai/jobs/"),
    ("get", "/ai/jobs/{job_id}/"),
    ("get", "/ai/jobs/{job_id}/events/"),
    ("post", "/ai/jobs/{job_id}/cancel/"),
    ("get", "/ddp/column/{column_id}"),
    ("put", "/ddp/column/{column_id}"),
    ("get", "/ddp/db"),
    ("post", "/ddp/db"),
    ("delete", "/ddp/db/{database_id}"),
    ("get", "/ddp/db/{database_id}"),
    ("put", "/ddp/db/{database_id}"),
    ("get", "/ddp/db/{database_id}/example"),
    ("post", "/ddp/db/{database_id}/example"),
    ("post", "/ddp/db/{database_id}/extract/table"),
    ("get", "/ddp/db/{database_id}/synonym"),
    ("post", "/ddp/db/{database_id}/synonym"),
    ("get", "/ddp/db/{database_id}/table"),
    ("post", "/ddp/db/{database_id}/table"),
    ("delete", "/ddp/example/{item_id}"),
    ("delete", "/ddp/synonym/{item_id}"),
    ("get", "/ddp/table/{table_id}"),
    ("put", "/ddp/table/{table_id}"),
    ("post", "/llm/execute-sql/db/{database_id}/{session_id}"),
    ("post", "/llm/execute-sql/db/{database_id}/{session_id}/verify"),
    ("get", "/llm/logs/"),
    ("get", "/llm/logs/export/"),
    ("get", "/llm/logs/{row_id}/"),
    ("get", "/llm/execute-sql/jobs/"),
    ("get", "/llm/execute-sql/jobs/{job_id}/"),
    ("post", "/llm/execute-sql/jobs/{job_id}/cancel/"),
    ("get", "/llm/executions/"),
    ("get", "/llm/executions/export/"),
    ("get", "/llm/executions/{row_id}/"),
    ("post", "/llm/generate-sql/db/{database_id}"),
    ("get", "/llm/questions/db/{database_id}"),
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    found: dict[str, Any] = yaml.safe_load(response.content)
    return found


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def test_it_is_valid_openapi_3_1(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1.")
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_it_has_every_operation_of_the_contract_and_no_other(schema: dict[str, Any]) -> None:
    found = {(method, path) for path, operations in schema["paths"].items() for method in operations}
    assert found == OPERATIONS
    names = [operation["operationId"] for operations in schema["paths"].values() for operation in operations.values()]
    assert len(set(names)) == len(OPERATIONS)


def test_it_describes_every_path_under_ml(schema: dict[str, Any]) -> None:
    apps = (ml_proxy, accounts, access_log)
    patterns = [f"/ml/v1/{each.pattern}" for app in apps for each in app.urlpatterns]
    patterns += [f"/ml/v1/mlflow/{each.pattern}" for each in mlflow.urlpatterns]
    routes = {re.sub("<[a-z]+:([a-z_]+)>", r"{\1}", pattern) for pattern in patterns}
    assert routes == {path for path in schema["paths"] if path.startswith("/ml/")}


def test_all_its_references_resolve(schema: dict[str, Any]) -> None:
    found = {node["$ref"] for node in nodes(schema) if "$ref" in node}
    parts = ("schemas", "responses")
    assert found == {f"#/components/{part}/{name}" for part in parts for name in schema["components"][part]}


def test_the_file_in_the_repository_is_up_to_date(tmp_path: Path) -> None:
    call_command("spectacular", "--file", str(tmp_path / "now.yaml"))
    assert WRITTEN.read_text() == (tmp_path / "now.yaml").read_text(), "run `make openapi`"


@pytest.mark.django_db
def test_responses_match_their_schemas(
    gateway: Client, settings: Settings, schema: dict[str, Any], empty_redis: str
) -> None:
    settings.REDIS_URL = empty_redis
    row = insert_row(id=UUID(int=7), input_data='{"a": [1e400]}', output_data="null")
    job = gateway.post("/ml/v1/retrain/jobs/", b"", content_type="application/json")
    job_path = job["Location"].removeprefix("http://testserver")
    answers = [
        ("/ml/v1/history/", "get", gateway.get("/ml/v1/history/?limit=1")),
        ("/ml/v1/history/", "get", gateway.get("/ml/v1/history/?limt=1")),
        ("/ml/v1/history/{inference_id}/", "get", gateway.get(f"/ml/v1/history/{row.id}/")),
        ("/ml/v1/history/{inference_id}/", "get", gateway.get(f"/ml/v1/history/{UUID(int=8)}/")),
        *(
            ("/ml/v1/history/{inference_id}/feedback/", method, getattr(gateway, method)(feedback_path(row.id), *body))
            for method, *body in [("post", b'{"verdict": "agree"}', "application/json")] * 2 + [("get",), ("post",)]
        ),
        ("/ml/v1/accuracy/", "get", gateway.get("/ml/v1/accuracy/")),
        ("/ml/v1/retrain/jobs/", "post", job),
        ("/ml/v1/retrain/jobs/", "post", gateway.post("/ml/v1/retrain/jobs/")),
        ("/ml/v1/retrain/jobs/", "get", gateway.get("/ml/v1/retrain/jobs/")),
        ("/ml/v1/retrain/jobs/{job_id}/", "get", gateway.get(job_path)),
        ("/ml/v1/retrain/jobs/{job_id}/cancel/", "post", gateway.post(f"{job_path}cancel/")),
        ("/ml/v1/retrain/jobs/{job_id}/cancel/", "post", gateway.post(f"{job_path}cancel/")),
        ("/ml/v1/retrain/", "post", gateway.post("/ml/v1/retrain/", b"[", content_type="application/json")),
        ("/ml/v1/predict/", "post", gateway.post("/ml/v1/predict/", b"{}", content_type="application/json")),
        ("/ml/v1/mlflow/log-prediction/", "post", gateway.post("/ml/v1/mlflow/log-prediction/")),
        ("/ml/v1/mlflow/runs/{run_id}/", "get", gateway.get("/ml/v1/mlflow/runs/0/")),
        ("/readyz", "get", gateway.get("/readyz")),
    ]
    settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
    answers += [("/readyz", "get", gateway.get("/readyz")), ("/ml/v1/status/", "get", gateway.get("/ml/v1/status/"))]
    assert {response.status_code for _, _, response in answers} == {200, 201, 202, 400, 404, 409, 415, 502, 503}
    for path, method, response in answers:
        require_described(schema, schema["paths"][path][method]["responses"], response)


def require_described(schema: dict[str, Any], responses: dict[str, Any], response: Any) -> None:
    status = str(response.status_code)
    described = responses.get(status) or responses.get(f"{status[0]}XX") or responses["default"]
    if "$ref" in described:
        described = schema["components"]["responses"][described["$ref"].rpartition("/")[2]]
    content = described["content"][response["Content-Type"]]
    validator = Draft202012Validator({"components": schema["components"], **content["schema"]})
    validator.validate(json.loads(response.content))
    assert all(name in response for name in described["headers"] if name != "Link"), (status, response.content)


class Links(HTMLParser):
    """The URLs that a page and its scripts load."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value for name, value in attrs if name in {"src", "href"} and value]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.django_db
def test_it_shows_the_docs_without_another_host(client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    page = Links()
    page.feed(response.content.decode())
    assert {Path(url).suffix for url in page.loaded} >= {".js", ".css"}
    for url in page.loaded:
        assert re.match("/[^/]", url), url
        asset = client.get(url)
        assert asset.status_code == 200, url
        content = asset.getvalue() if asset.streaming else asset.content
        assert not re.search(rb"(@import|url\()\s*['\"]?(https?:)?//", content), url
    script = client.get("/api/docs/?script=").content.decode()
    assert "://" not in page.text + script
    # Only Swagger's other layout has the badge that asks another host whether this schema is valid.
    assert 'layout: "BaseLayout"' in script
    assert 'url: "/api/schema/"' in script


def test_each_export_describes_its_switches_alike(schema: dict[str, Any]) -> None:
    found = {
        json.dumps({**parameter, "example": None}, sort_keys=True)
        for path in schema["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] in {"bom", "safe_cells"}
    }
    assert len(found) == 2, found
