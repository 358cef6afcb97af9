"""Every route that can show patient data leaves an entry in the access log. A new route without an entry here fails."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ml_proxy.models import Feedback, InferenceLog
from recording.models import Disposition
from tests.support.access_log import Noted, insert_access
from tests.support.executions import insert_execution, insert_model_call
from tests.support.gateway import BODY, predict
from tests.support.inference_rows import NOON, insert_row
from tests.support.provider_calls import insert_call

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PATIENT = "MARKER-PATIENT"
INFERENCE = UUID(int=7)
FILE = b"marker bytes"


class Look(NamedTuple):
    """A request by which a route shows data about `PATIENT`, and the action in the access log."""

    action: str
    path: str = ""
    body: Any = None
    names_patient: bool = True


V1 = "/ml/v1/"
# By route. `None`: the route shows no patient data, so it leaves no entry; the reason is beside it.
ROUTES: dict[str, Look | None] = {
    "ml/v1/predict/": None,  # its own record; see test_access_log_notes for those that failed
    "ml/v1/status/": None,  # the model server's state
    "ml/v1/model-info/": None,
    "ml/v1/retrain/": None,  # the answer has versions and metrics
    "ml/v1/retrain/jobs/": None,
    "ml/v1/retrain/jobs/<id:job_id>/": None,
    "ml/v1/retrain/jobs/<id:job_id>/cancel/": None,
    "ml/v1/history/": Look("inference.list", f"{V1}history/"),
    "ml/v1/history/export/": Look("inference.export", f"{V1}history/export/"),
    "ml/v1/history/<id:inference_id>/": Look("inference.read", f"{V1}history/{INFERENCE}/"),
    "ml/v1/history/<id:inference_id>/feedback/": Look("feedback.list", f"{V1}history/{INFERENCE}/feedback/"),
    "ml/v1/files/<str:token>/": Look("file.read"),
    "ml/v1/dataset/": Look("dataset.export", f"{V1}dataset/", names_patient=False),  # it has no names
    "ml/v1/accuracy/": None,  # counts
    "ml/v1/insight/overview/": None,  # these three too
    "ml/v1/insight/accuracy/": None,
    "ml/v1/insight/drift/": None,
    "ml/v1/insight/review/": Look("inference.review", f"{V1}insight/review/"),
    "ml/v1/access-log/": Look("access.list", f"{V1}access-log/?patient={PATIENT}"),
    "ml/v1/access-log/export/": Look("access.export", f"{V1}access-log/export/?patient={PATIENT}"),
    "ml/v1/mlflow/log-prediction/": None,  # it sends a run to MLflow, and answers with its id
    "ml/v1/mlflow/runs/<slug:run_id>/": None,  # metrics and times of a run: see integrations.mlflow.entries
    "ml/v1/models/": None,  # versions and metrics
    "ml/v1/models/<str:name>/versions/<str:version>/promote/": None,  # noted as model.promote; names nobody
    "admin/accounts/apitoken/": None,  # accounts, no patients
    "admin/accounts/apitoken/<path:object_id>/change/": None,
    "admin/accounts/profile/": None,  # doctors and their accounts
    "admin/accounts/profile/<path:object_id>/change/": None,
    "": None,  # the console, a page without data
    "<console:page>": None,
    "api/schema/": None,
    "api/docs/": None,
    "healthz": None,
    "readyz": None,
    "metrics": None,
    "^(?P<page>accounts|admin|reception|api/docs|api/schema)$": None,
    "ml/v1/me/": None,  # the caller's own account
    "accounts/": None,  # this page and the next ones too; sign-ins and changes of tokens are noted by signals
    "accounts/access-log/": Look("access.list", f"/accounts/access-log/?patient={PATIENT}"),
    "reception/": Look("inference.list", "/reception/"),
    "reception/<id:inference_id>/": Look("inference.read", f"/reception/{INFERENCE}/"),
    "accounts/login/": None,
    "accounts/login/one-click/": None,
    "accounts/logout/": None,
    "accounts/session/": None,  # sign-ins are noted by signals here too
    "accounts/session/one-click/": None,
    "accounts/session/tokens/": None,
    "accounts/session/tokens/<id:token_id>/": None,
    "accounts/password/": None,
    "accounts/tokens/": None,
    "accounts/tokens/<id:token_id>/revoke/": None,
    "admin/ml_proxy/inferencelog/": Look("inference.list", "/admin/ml_proxy/inferencelog/"),
    "admin/ml_proxy/inferencelog/<path:object_id>/change/": Look(
        "inference.read", f"/admin/ml_proxy/inferencelog/{INFERENCE}/change/"
    ),
    "admin/ml_proxy/feedback/": Look("feedback.list", "/admin/ml_proxy/feedback/", names_patient=False),
    "admin/ml_proxy/feedback/<path:object_id>/change/": Look(
        "feedback.read", "/admin/ml_proxy/feedback/{feedback}/change/"
    ),
    "admin/recording/disposition/": Look("disposition.list", "/admin/recording/disposition/", names_patient=False),
    "admin/recording/disposition/<path:object_id>/change/": Look(
        "disposition.read", "/admin/recording/disposition/{disposition}/change/"
    ),
    "admin/jobs/job/": Look("job.list", "/admin/jobs/job/", names_patient=False),
    "admin/jobs/job/<path:object_id>/change/": None,  # noted too; it has parameters and metrics, and names nobody
    # Databases that are registered hold no data of the log. Each statement is a record of its own, which holds no rows.
    "ddp/db": None,
    "ddp/db/<int:database_id>": None,
    "ddp/db/<int:database_id>/extract/table": None,
    "ddp/db/<int:database_id>/table": None,
    "ddp/db/<int:database_id>/synonym": None,
    "ddp/db/<int:database_id>/example": None,
    "ddp/table/<int:table_id>": None,
    "ddp/column/<int:column_id>": None,
    "ddp/synonym/<int:item_id>": None,
    "ddp/example/<int:item_id>": None,
    "llm/generate-sql/db/<int:database_id>": None,
    "llm/questions/db/<int:database_id>": None,  # the caller's own questions
    "llm/execute-sql/db/<int:database_id>/<slug:session_id>": None,
    "llm/execute-sql/db/<int:database_id>/<slug:session_id>/verify": None,
    "ai/classify/": None,  # its own record; the picture is the caller's
    "ai/info/": None,
    "ai/healthcheck/": None,
    "ai/pictures/<str:token>/": None,  # a redrawn desk
    "ai/generated/v1/": None,  # as for classify: the caller's own picture, and records of its calls
    "ai/generated/v2/": None,
    "ai/generated/v1/<id:job_id>/": None,
    "ai/generated/v2/<id:job_id>/": None,
    "ai/jobs/": None,  # only its caller sees a job
    "ai/jobs/<id:job_id>/": None,
    "ai/jobs/<id:job_id>/events/": None,
    "ai/jobs/<id:job_id>/cancel/": None,
    "ai/calls/": Look("call.list", "/ai/calls/", names_patient=False),
    "ai/calls/export/": Look("call.export", "/ai/calls/export/", names_patient=False),
    "ai/calls/<id:row_id>/": Look("call.read", "/ai/calls/{call}/", names_patient=False),
    "llm/execute-sql/jobs/": None,  # the statement's record is kept, and only its caller sees the result
    "llm/execute-sql/jobs/<id:job_id>/": None,
    "llm/execute-sql/jobs/<id:job_id>/cancel/": None,
    "llm/executions/": Look("execution.list", "/llm/executions/", names_patient=False),
    "llm/executions/export/": Look("execution.export", "/llm/executions/export/", names_patient=False),
    "llm/executions/<id:row_id>/": Look("execution.read", "/llm/executions/{execution}/", names_patient=False),
    "llm/logs/": Look("llm.list", "/llm/logs/", names_patient=False),
    "llm/logs/export/": Look("llm.export", "/llm/logs/export/", names_patient=False),
    "llm/logs/<id:row_id>/": Look("llm.read", "/llm/logs/{model_call}/", names_patient=False),
    "admin/text_to_sql/llmlog/": Look("llm.list", "/admin/text_to_sql/llmlog/", names_patient=False),
    "admin/text_to_sql/llmlog/<path:object_id>/change/": Look(
        "llm.read", "/admin/text_to_sql/llmlog/{model_call}/change/", names_patient=False
    ),
    "admin/text_to_sql/queryexecutionlog/": Look(
        "execution.list", "/admin/text_to_sql/queryexecutionlog/", names_patient=False
    ),
    "admin/text_to_sql/queryexecutionlog/<path:object_id>/change/": Look(
        "execution.read", "/admin/text_to_sql/queryexecutionlog/{execution}/change/", names_patient=False
    ),
    "admin/text_to_sql/rowrule/": None,
    "admin/text_to_sql/rowrule/<path:object_id>/change/": None,
    "admin/text_to_sql/example/": None,
    "admin/text_to_sql/example/<path:object_id>/change/": None,
    "admin/imaging/catalogueproduct/": None,  # products of shops
    "admin/imaging/catalogueproduct/<path:object_id>/change/": None,
    "admin/imaging/catalogueproduct/import/": None,
    "admin/imaging/providercall/": Look("call.list", "/admin/imaging/providercall/", names_patient=False),
    "admin/imaging/providercall/<path:object_id>/change/": Look(
        "call.read", "/admin/imaging/providercall/{call}/change/", names_patient=False
    ),
    "admin/accounts/accesslog/": Look("access.list", "/admin/accounts/accesslog/", names_patient=False),
    "admin/accounts/accesslog/<path:object_id>/change/": Look(
        "access.read", "/admin/accounts/accesslog/{access}/change/", names_patient=False
    ),
}
# Pages of the admin that show no row: no one can add, change or delete one, and its history is that of changes.
ADMIN_EMPTY = ("add/", "/history/", "/delete/", "<path:object_id>/")
# Django's own pages: the login page, accounts and groups, results of tasks, which have no arguments.
DJANGOS_OWN = ("admin/auth/", "admin/django_celery_results/", "admin/autocomplete/", "admin/jsi18n/", "admin/login/",
               "admin/logout/", "admin/password_change/", "admin/r/", "admin/^", "admin/(?P<url>")  # fmt: skip


def routes(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    """All routes of the URL configuration."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


def is_empty(route: str) -> bool:
    is_page = route.startswith("admin/") and route.count("/") > 2
    return route.startswith(DJANGOS_OWN) or (is_page and route.endswith(ADMIN_EMPTY) and "change" not in route)


def test_each_route_is_in_the_table() -> None:
    found = set(routes()) - {"admin/", "admin/^(?P<app_label>.+)/$"}
    unknown = {route for route in found if route not in ROUTES and not is_empty(route)}
    assert unknown - {""} == set(), "say in ROUTES what these routes show, and note it in the access log"
    assert ROUTES.keys() - found == set(), "these routes are gone"


@pytest.fixture
def data(gateway: Client, files_folder: Path, process_records: Callable[[], None]) -> dict[str, Any]:
    """An inference, a verdict on it, a quarantined record, an access, and a link to a file: all about the patient."""
    record = insert_row(id=INFERENCE, patient_name=PATIENT)
    verdict = Feedback.objects.create(
        inference_id=INFERENCE, verdict="agree", predicted_at=NOON, recorded_at=NOON, position=1
    )
    quarantined = Disposition.objects.create(
        origin=UUID(int=1), sequence=1, kind="quarantined", payload=record.encode(), digest=b"", seal=b"",
        disposition_seal=b"",
    )  # fmt: skip
    return {
        "feedback": verdict.pk,
        "disposition": quarantined.pk,
        "execution": insert_execution().id,
        "call": insert_call().id,
        "model_call": insert_model_call().id,
        "access": insert_access(patients=[PATIENT]).id,
        "file": link_to_file(gateway, process_records),
    }


def link_to_file(gateway: Client, process_records: Callable[[], None]) -> str:
    """Predicts with a file, and returns the link to it."""
    boundary = "b"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {**BODY, "patient_name": PATIENT}.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
    body = b"".join([*parts, head.encode(), FILE, f"\r\n--{boundary}--\r\n".encode()])
    assert predict(gateway, body, CONTENT_TYPE=f"multipart/form-data; boundary={boundary}").status_code == 200
    process_records()
    row = InferenceLog.objects.exclude(pk=INFERENCE).get()
    url: str = gateway.get(f"{V1}history/{row.pk}/").json()["files"][0]["url"]
    return url


@pytest.mark.parametrize("route", [route for route, look in ROUTES.items() if look])
def test_it_leaves_an_entry(gateway: Client, data: dict[str, Any], noted: Noted, route: str) -> None:
    look = ROUTES[route]
    assert look is not None
    gateway.force_login(User.objects.create_superuser("admin"))
    before = len(noted())
    response: Any = gateway.get(look.path.format(**data) if look.path else data["file"])
    assert response.status_code == 200, response
    body = b"".join(response.streaming_content) if response.streaming else response.content
    assert body
    found = noted()[before:]
    assert found[0].action == look.action
    assert {each.account for each in found} == {"admin"}
    named = {name for each in found for name in json.loads(each.patients)}
    assert named == ({PATIENT} if look.names_patient else set())
    assert look.names_patient or PATIENT.encode() not in body or look.action.startswith("access.")
