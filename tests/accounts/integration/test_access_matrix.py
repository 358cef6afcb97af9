"""The access matrix: each role and none, each route of the URL configuration, each method.

The routes are found by walking the URL configuration, so a new route without a row here fails. Who is admitted is
written down by hand, not derived from the roles' permissions: whoever changes a role sees here what that opens.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_celery_results.models import GroupResult, TaskResult
from pytest_django import Settings

from accounts import tokens
from accounts.models import ApiToken
from attachments import links
from imaging.models import CatalogueProduct
from integrations.mlflow import runs
from integrations.mlflow.entries import key_of_inference
from jobs.models import Job
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.records import SOURCE
from recording.models import Disposition
from tests.support.access_log import insert_access
from tests.support.accounts import bearer, make_user
from tests.support.executions import insert_execution, insert_model_call
from tests.support.feedback import model_answer, post_feedback
from tests.support.gateway import BODY
from tests.support.inference_rows import insert_row
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.provider_calls import insert_call
from tests.support.stored_files import LARGE
from text_to_sql.models import Database, Example, RowRule, Table

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

KIM, OTHER, NOBODY, NO_ONE = "clinician", "another clinician", "without a role", "nobody"
REVIEWER, TRAINER, OPERATOR, AUDITOR = "reviewer", "trainer", "operator", "auditor"
ANALYST, DESIGNER, SERVICE, ROOT = "analyst", "designer", "service", "superuser"
ROLES = (KIM, OTHER, NOBODY, REVIEWER, TRAINER, OPERATOR, AUDITOR, ANALYST, DESIGNER, SERVICE, ROOT)
SIGNED_IN = frozenset(ROLES)
PUBLIC = SIGNED_IN | {NO_ONE}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ID = UUID(int=7)


class Row(NamedTuple):
    """Who is admitted by each method. With `is_object`, the other clinician gets a 404 where KIM is admitted."""

    path: str
    admitted: Mapping[str, frozenset[str]]
    is_object: bool = False
    body: Any = BODY
    is_described: bool = True  # Django REST framework answers OPTIONS with a description


def reads(*roles: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(("GET", "HEAD"), frozenset({*roles, ROOT}))


def posts(*roles: str) -> dict[str, frozenset[str]]:
    return {"POST": frozenset({*roles, ROOT})}


def puts(*roles: str) -> dict[str, frozenset[str]]:
    return {"PUT": frozenset({*roles, ROOT})}


JOB_READERS = reads(TRAINER, OPERATOR, AUDITOR)
READERS = reads(KIM, REVIEWER, AUDITOR)
API = {
    "predict/": Row("predict/", posts(KIM, SERVICE), is_described=False),
    "status/": Row("status/", reads(*ROLES), is_described=False),
    "model-info/": Row("model-info/", reads(*ROLES), is_described=False),
    "models/": Row("models/", reads(*ROLES), is_described=False),
    "models/<str:name>/versions/<str:version>/promote/": Row(
        "models/m/versions/1/promote/", posts(TRAINER), body={"reason": "better"}, is_described=False
    ),
    "retrain/": Row("retrain/", posts(TRAINER), body={}, is_described=False),
    "retrain/jobs/": Row("retrain/jobs/", JOB_READERS | posts(TRAINER), body={}),
    "retrain/jobs/<id:job_id>/": Row(f"retrain/jobs/{ID}/", JOB_READERS),
    "retrain/jobs/<id:job_id>/cancel/": Row(f"retrain/jobs/{ID}/cancel/", posts(TRAINER), body={}),
    "history/": Row("history/", reads(KIM, OTHER, REVIEWER, AUDITOR)),
    "history/export/": Row("history/export/", reads(KIM, OTHER, REVIEWER, AUDITOR)),
    "history/<id:inference_id>/": Row(f"history/{ID}/", READERS, is_object=True),
    "history/<id:inference_id>/feedback/": Row(
        f"history/{ID}/feedback/",
        reads(KIM, REVIEWER, TRAINER, AUDITOR) | posts(KIM, REVIEWER),
        is_object=True,
        body={"verdict": "agree"},
    ),
    "files/<str:token>/": Row("files/TOKEN/", READERS, is_object=True),
    "dataset/": Row("dataset/", reads(TRAINER, AUDITOR)),
    "access-log/": Row("access-log/", reads(AUDITOR)),
    "access-log/export/": Row("access-log/export/", reads(AUDITOR)),
    "accuracy/": Row("accuracy/", reads(KIM, OTHER, REVIEWER, TRAINER, AUDITOR)),
    "insight/overview/": Row("insight/overview/", reads(KIM, OTHER, REVIEWER, TRAINER, AUDITOR)),
    "insight/accuracy/": Row("insight/accuracy/", reads(KIM, OTHER, REVIEWER, TRAINER, AUDITOR)),
    "insight/drift/": Row("insight/drift/", reads(KIM, OTHER, REVIEWER, TRAINER, AUDITOR)),
    "insight/review/": Row("insight/review/", reads(KIM, OTHER, REVIEWER, AUDITOR)),
    "me/": Row("me/", reads(*ROLES)),
    "mlflow/log-prediction/": Row(
        "mlflow/log-prediction/", posts(KIM, REVIEWER), is_object=True, body={"inference_id": str(ID)}
    ),
    "mlflow/runs/<slug:run_id>/": Row("mlflow/runs/7/", READERS, is_object=True),
}
DATABASE = reads(ANALYST, AUDITOR)
CHANGES = frozenset({ROOT})  # roles of a deployment get these permissions from an administrator
SQL = {
    "ddp/db": Row("/ddp/db", DATABASE | {"POST": CHANGES}, body={}),
    "ddp/db/<int:database_id>": Row("/ddp/db/7", DATABASE | {"PUT": CHANGES, "DELETE": CHANGES}, body={}),
    "ddp/db/<int:database_id>/extract/table": Row("/ddp/db/7/extract/table", {"POST": CHANGES}),
    "ddp/db/<int:database_id>/table": Row("/ddp/db/7/table", DATABASE | {"POST": CHANGES}, body={}),
    "ddp/db/<int:database_id>/synonym": Row("/ddp/db/7/synonym", DATABASE | {"POST": CHANGES}, body={}),
    "ddp/db/<int:database_id>/example": Row("/ddp/db/7/example", DATABASE | {"POST": CHANGES}, body={}),
    "ddp/table/<int:table_id>": Row("/ddp/table/7", DATABASE | {"PUT": CHANGES}, body={}),
    "ddp/column/<int:column_id>": Row("/ddp/column/7", DATABASE | {"PUT": CHANGES}, body={}),
    "ddp/synonym/<int:item_id>": Row("/ddp/synonym/7", {"DELETE": CHANGES}),
    "ddp/example/<int:item_id>": Row("/ddp/example/7", {"DELETE": CHANGES}),
    "llm/generate-sql/db/<int:database_id>": Row("/llm/generate-sql/db/7", posts(ANALYST), body={}),
    "llm/questions/db/<int:database_id>": Row("/llm/questions/db/7", reads(ANALYST)),
    "llm/execute-sql/db/<int:database_id>/<slug:session_id>": Row("/llm/execute-sql/db/7/s", posts(ANALYST), body={}),
    "llm/execute-sql/db/<int:database_id>/<slug:session_id>/verify": Row(
        "/llm/execute-sql/db/7/s/verify", {"POST": CHANGES}, body={}
    ),
    "ai/classify/": Row("/ai/classify/", posts(DESIGNER), body={}),
    "ai/info/": Row("/ai/info/", reads(*ROLES)),
    "ai/healthcheck/": Row("/ai/healthcheck/", reads(*ROLES)),
    "ai/pictures/<str:token>/": Row("/ai/pictures/t/", reads(DESIGNER)),
    "ai/generated/v1/": Row("/ai/generated/v1/", posts(DESIGNER), body={}),
    "ai/generated/v2/": Row("/ai/generated/v2/", posts(DESIGNER), body={}),
    "ai/generated/v1/<id:job_id>/": Row(f"/ai/generated/v1/{ID}/", puts(DESIGNER), body={}),
    "ai/generated/v2/<id:job_id>/": Row(f"/ai/generated/v2/{ID}/", puts(DESIGNER), body={}),
    "ai/jobs/": Row("/ai/jobs/", reads(DESIGNER)),
    "ai/jobs/<id:job_id>/": Row(f"/ai/jobs/{ID}/", reads(DESIGNER)),
    "ai/jobs/<id:job_id>/events/": Row(f"/ai/jobs/{ID}/events/", reads(DESIGNER)),
    "ai/jobs/<id:job_id>/cancel/": Row(f"/ai/jobs/{ID}/cancel/", posts(DESIGNER), body={}),
    "ai/calls/": Row("/ai/calls/", reads(AUDITOR)),
    "ai/calls/export/": Row("/ai/calls/export/", reads(AUDITOR)),
    "ai/calls/<id:row_id>/": Row(f"/ai/calls/{ID}/", reads(AUDITOR)),
    "llm/execute-sql/jobs/": Row("/llm/execute-sql/jobs/", reads(ANALYST)),
    "llm/execute-sql/jobs/<id:job_id>/": Row(f"/llm/execute-sql/jobs/{ID}/", reads(ANALYST)),
    "llm/execute-sql/jobs/<id:job_id>/cancel/": Row(f"/llm/execute-sql/jobs/{ID}/cancel/", posts(ANALYST), body={}),
    "llm/executions/": Row("/llm/executions/", reads(AUDITOR)),
    "llm/executions/export/": Row("/llm/executions/export/", reads(AUDITOR)),
    "llm/executions/<id:row_id>/": Row(f"/llm/executions/{ID}/", reads(AUDITOR)),
    "llm/logs/": Row("/llm/logs/", reads(AUDITOR)),
    "llm/logs/export/": Row("/llm/logs/export/", reads(AUDITOR)),
    "llm/logs/<id:row_id>/": Row(f"/llm/logs/{ID}/", reads(AUDITOR)),
}
PAGES = {
    "": Row("/", reads(*PUBLIC), is_described=False),
    "<console:page>": Row("/history", reads(*PUBLIC), is_described=False),
    "api/schema/": Row("/api/schema/", reads(*PUBLIC)),
    "api/docs/": Row("/api/docs/", reads(*PUBLIC)),
    "healthz": Row("/healthz", reads(*PUBLIC), is_described=False),
    "readyz": Row("/readyz", reads(*PUBLIC), is_described=False),
    "metrics": Row("/metrics", reads(*PUBLIC), is_described=False),
}
# One's own account, for everybody who is signed in: the status by method. A token belongs to someone else here.
OWN_ACCOUNT = {
    "accounts/": ("/accounts/", {"GET": 200, "HEAD": 200}),
    "accounts/password/": ("/accounts/password/", {"GET": 200, "HEAD": 200, "POST": 200}),
    "accounts/tokens/": ("/accounts/tokens/", {"GET": 200, "HEAD": 200, "POST": 200}),
    "accounts/tokens/<id:token_id>/revoke/": ("/accounts/tokens/TOKEN/revoke/", {"POST": 404}),
}
# The same as JSON, for the console: nobody and tokens get a 401.
OWN_SESSION = {
    "accounts/session/tokens/": ("/accounts/session/tokens/", {"GET": 200, "HEAD": 200, "POST": 415}),
    "accounts/session/tokens/<id:token_id>/": ("/accounts/session/tokens/TOKEN/", {"DELETE": 404}),
}
# Pages for the sessions of some roles: who may read them.
READ_PAGES = {
    "accounts/access-log/": ("/accounts/access-log/", {AUDITOR, ROOT}),
    "reception/": ("/reception/", {KIM, OTHER, REVIEWER, AUDITOR, ROOT}),
}
# One inference of Dr. Kim, for sessions: the status by role and method.
ONE_PAGE = "reception/<id:inference_id>/"
# Redirects, the answer to unknown paths, and what signs in or out: see test_sign_in.
ELSEWHERE = {
    "accounts/login/",
    "accounts/login/one-click/",
    "accounts/session/",
    "accounts/session/one-click/",
    "accounts/logout/",
    "^(?P<page>accounts|admin|reception|api/docs|api/schema)$",
    "",
    "admin/",
    "admin/login/",
    "admin/logout/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/autocomplete/",
    "admin/jsi18n/",
    "admin/r/<path:content_type_id>/<path:object_id>/",
    "admin/^(?P<app_label>…)/$",
    "admin/(?P<url>.*)$",
}
# Who may read which pages of the admin, if a superuser lets these users into it at all.
ADMIN_READERS = {
    "auth/user": {AUDITOR},
    "auth/group": {AUDITOR},
    "accounts/apitoken": {OPERATOR, AUDITOR},
    "accounts/profile": {AUDITOR},
    "accounts/accesslog": {AUDITOR},
    "jobs/job": {TRAINER, OPERATOR, AUDITOR},
    "recording/disposition": {OPERATOR, AUDITOR},
    "ml_proxy/inferencelog": {KIM, OTHER, REVIEWER, AUDITOR},
    "ml_proxy/feedback": {KIM, OTHER, REVIEWER, TRAINER, AUDITOR},
    "text_to_sql/queryexecutionlog": {AUDITOR},
    "text_to_sql/llmlog": {AUDITOR},
    "imaging/catalogueproduct": set(),
    "imaging/providercall": {AUDITOR},
    "text_to_sql/rowrule": set(),
    "text_to_sql/example": set(),
    "django_celery_results/taskresult": set(),
    "django_celery_results/groupresult": set(),
}


def routes(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """Every route of the URL configuration."""
    for each in patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        else:
            assert isinstance(each, URLPattern)
            yield re.sub(r"<app_label>[^)]+", "<app_label>…", route)  # Django lists the apps in any order


def admin_routes() -> set[str]:
    """The routes of the pages of each model."""
    pages = ("", "add/", "<path:object_id>/", "<path:object_id>/change/", "<path:object_id>/delete/")
    found = {f"admin/{model}/{page}" for model in ADMIN_READERS for page in (*pages, "<path:object_id>/history/")}
    return found | {"admin/auth/user/<id>/password/", "admin/imaging/catalogueproduct/import/"}


def test_every_route_is_in_the_matrix() -> None:
    known = (
        {f"ml/v1/{route}" for route in API}
        | SQL.keys()
        | PAGES.keys()
        | OWN_ACCOUNT.keys()
        | OWN_SESSION.keys()
        | READ_PAGES.keys()
        | {ONE_PAGE}
        | ELSEWHERE
        | admin_routes()
    )
    assert set(routes(get_resolver().url_patterns)) == known
    assert {f"{each._meta.app_label}/{each._meta.model_name}" for each in admin.site._registry} == ADMIN_READERS.keys()


@pytest.fixture
def users(db: None) -> dict[str, User]:
    """One user of each role."""
    return {
        KIM: make_user("kim", "clinician", doctor_name="Dr. Kim"),
        OTHER: make_user("lee", "clinician", doctor_name="Dr. Lee"),
        NOBODY: make_user("nobody", doctor_name="Dr. Kim"),
        SERVICE: make_user("service", "service", acts_for="Dr. Kim\nDr. Lee"),
        ROOT: User.objects.create_superuser("root"),
        **{role: make_user(role, role) for role in (REVIEWER, TRAINER, OPERATOR, AUDITOR, ANALYST, DESIGNER)},
    }


@pytest.fixture
def path_of_file(gateway: Client, process_records: Any, settings: Settings) -> str:
    """The link of a file of Dr. Kim's inference."""
    settings.INLINE_MAX_BYTES = 1024
    settings.API_AUTH = "open"
    answer = gateway.generic("POST", "/ml/v1/predict/", LARGE, content_type="application/json")
    process_records()
    row_id = UUID(answer["X-Inference-ID"])
    column = InferenceLog.objects.get(pk=row_id).files
    return str(links.links(SOURCE, {row_id: column})[row_id][0]["url"])


@pytest.fixture
def objects(settings: Settings, empty_redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dr. Kim's inference with a verdict, a job, and a run of the inference in MLflow."""
    settings.REDIS_URL, settings.MLFLOW_TRACKING_URI = empty_redis, f"http://127.0.0.1:{free_port()}"
    insert_row(id=ID, doctor_name="Dr. Kim", output_data=model_answer("benign"))
    assert post_feedback(Client(), ID, verdict="agree").status_code == 201
    insert_execution(id=ID)
    insert_call(id=ID)
    insert_model_call(id=ID)
    Job.objects.create(id=ID, kind="retrain", state=Job.State.RUNNING, params='{"params": {"secret": 1}}')
    run = {"run_id": "7", "tags": {runs.KEY: key_of_inference(ID), "inference_id": str(ID)}}
    monkeypatch.setattr(runs, "described", lambda _: run)
    settings.API_AUTH = "required"


def expected(row: Row, method: str, role: str) -> set[int]:
    """The statuses that are right. What a view answers to those who are admitted is not the matrix' business."""
    if method not in row.admitted:
        is_public = NO_ONE in row.admitted.get("GET", ())
        is_known = row.is_described and method == "OPTIONS" and (role != NO_ONE or is_public)
        return {200} if is_known else {401, 405} if role == NO_ONE else {403, 405}
    if role == NO_ONE and NO_ONE not in row.admitted[method]:
        return {401}
    if role in row.admitted[method]:
        return {200, 201, 202, 204, 400, 404, 409, 503} - ({404} if row.is_object else set())
    return {404} if row.is_object and role == OTHER and KIM in row.admitted[method] else {403}


@pytest.mark.usefixtures("objects")
@pytest.mark.parametrize("route", [*API, *SQL, *PAGES])
def test_each_role_gets_what_it_may_and_nothing_else(
    gateway: Client, users: dict[str, User], route: str, request: pytest.FixtureRequest, settings: Settings
) -> None:
    row = PAGES.get(route) or SQL.get(route) or API[route]
    path = row.path if row.path.startswith("/") else f"/ml/v1/{row.path}"
    if "TOKEN" in path:
        path = request.getfixturevalue("path_of_file")
        settings.API_AUTH = "required"
    credentials: dict[str, dict[str, Any]] = {NO_ONE: {}} | {role: bearer(user) for role, user in users.items()}
    for method in METHODS:
        if (route, method) == ("api/docs/", "OPTIONS"):
            continue  # it is a page for people, and its renderer has nothing to describe
        for role, fields in credentials.items():
            answer = gateway.generic(method, path, _body(row, method), content_type="application/json", **fields)
            assert answer.status_code in expected(row, method, role), (route, method, role, answer.content[:300])


def _body(row: Row, method: str) -> bytes:
    return b"" if method in {"GET", "HEAD", "OPTIONS"} else json.dumps(row.body).encode()


@pytest.mark.parametrize("route", [*OWN_ACCOUNT, *OWN_SESSION])
def test_ones_own_account_is_for_sessions_of_every_role(
    client: Client, users: dict[str, User], route: str, settings: Settings
) -> None:
    settings.API_AUTH = "required"
    strangers = ApiToken.objects.get(pk=tokens.create(User.objects.create_user("stranger"), name="")[0].pk)
    path, admitted = (OWN_ACCOUNT | OWN_SESSION)[route]
    path = path.replace("TOKEN", str(strangers.pk))
    for method in METHODS:
        for fields in ({}, *(bearer(user) for user in users.values())):
            answer = client.generic(method, path, **fields)
            found = answer.status_code, answer.headers.get("Location")
            if route in OWN_SESSION:
                assert found == (401 if method in admitted else 405, None), method
            else:
                assert found == (302, f"/accounts/login/?next={path}")
        for role, user in users.items():
            client.force_login(user)
            assert client.generic(method, path).status_code == admitted.get(method, 405), (method, role)
        client.logout()
    strangers.refresh_from_db()
    assert strangers.revoked_at is None


@pytest.mark.parametrize("route", READ_PAGES)
def test_pages_with_rows_are_for_sessions_of_those_who_may_read_them(
    client: Client, users: dict[str, User], route: str, settings: Settings
) -> None:
    settings.API_AUTH = "required"
    path, admitted = READ_PAGES[route]
    for fields in ({}, *(bearer(user) for user in users.values())):
        assert client.get(path, **fields)["Location"] == f"/accounts/login/?next={path}"
    for role, user in users.items():
        client.force_login(user)
        for method in METHODS:
            right = 405 if method not in {"GET", "HEAD"} else 200 if role in admitted else 403
            assert client.generic(method, path).status_code == right, (method, role)


@pytest.mark.usefixtures("objects")
def test_the_page_of_one_inference_is_for_those_who_see_its_doctor(
    client: Client, users: dict[str, User], model: ScriptedModel
) -> None:
    path, form = f"/reception/{ID}/", {"verdict": "agree"}
    for fields in ({}, bearer(users[KIM])):
        assert client.get(path, **fields)["Location"] == f"/accounts/login/?next={path}"
    for role, user in users.items():
        client.force_login(user)
        reads = 200 if role in {KIM, REVIEWER, AUDITOR, ROOT} else 404 if role == OTHER else 403
        writes = {OTHER: 404, **dict.fromkeys((KIM, REVIEWER, ROOT), 302)}.get(role, 403)
        assert (client.get(path).status_code, client.post(path, form).status_code) == (reads, writes), role
        assert client.delete(path).status_code == 405, role


@pytest.fixture
def admin_objects(objects: None, users: dict[str, User]) -> dict[str, Any]:
    """The id of one row of each model that has pages."""
    disposition = Disposition.objects.create(
        origin=ID,
        sequence=1,
        kind=Disposition.Kind.QUARANTINED,
        digest=b"",
        seal=b"",
        disposition_seal=b"",
        payload=b"secret",
    )
    shop = Database.objects.create(kor_name="shop", engine="sqlite", port=0, db="shop")
    orders = Table.objects.create(database=shop, name="orders")
    rule = RowRule.objects.create(table=orders, group=Group.objects.get(name="clinician"), predicate="1 = 1")
    return {
        "auth/user": users[KIM].pk,
        "auth/group": Group.objects.get(name="clinician").pk,
        "accounts/apitoken": tokens.create(users[KIM], name="")[0].pk,
        "accounts/profile": users[KIM].profile.pk,
        "accounts/accesslog": insert_access().id,
        "jobs/job": ID,
        "text_to_sql/queryexecutionlog": ID,
        "text_to_sql/llmlog": ID,
        "imaging/catalogueproduct": CatalogueProduct.objects.create(price=1).pk,
        "imaging/providercall": ID,
        "text_to_sql/rowrule": rule.pk,
        "text_to_sql/example": Example.objects.create(database=shop, question="q", sql="SELECT 1").pk,
        "recording/disposition": disposition.pk,
        "ml_proxy/inferencelog": ID,
        "ml_proxy/feedback": Feedback.objects.get().pk,
        "django_celery_results/taskresult": TaskResult.objects.create(task_id="1").pk,
        "django_celery_results/groupresult": GroupResult.objects.create(group_id="1").pk,
    }


@pytest.mark.parametrize("model", ADMIN_READERS)
def test_each_role_sees_its_pages_of_the_admin_only(
    client: Client, users: dict[str, User], admin_objects: dict[str, Any], model: str
) -> None:
    """All of them are let into the admin here; only superusers are, unless a superuser changes that."""
    User.objects.update(is_staff=True)
    key = admin_objects[model]
    for role, user in users.items():
        if role == ROOT:
            continue
        client.force_login(user)
        may_read = role in ADMIN_READERS[model]
        assert client.get(f"/admin/{model}/").status_code == (200 if may_read else 403), role
        is_own = not (role == OTHER and model.startswith("ml_proxy/"))
        refused = {404} if may_read and not is_own else {403, 404}  # what a user may not even list may be missing too
        for page in ("change", "history"):
            found = client.get(f"/admin/{model}/{key}/{page}/").status_code
            assert found in ({200} if may_read and is_own else refused), (role, page)
        for page in ("add/", f"{key}/delete/", f"{key}/change/"):
            assert client.post(f"/admin/{model}/{page}", {"post": "yes"}).status_code in {403, 404}, (role, page)
    assert ApiToken.objects.filter(revoked_at=None).exists()


@pytest.mark.usefixtures("admin_objects")
def test_nobody_without_the_permission_sees_a_payload_in_the_admin(client: Client, users: dict[str, User]) -> None:
    User.objects.update(is_staff=True)
    pages = {f"/admin/jobs/job/{ID}/change/": TRAINER}
    pages[f"/admin/recording/disposition/{Disposition.objects.get().pk}/change/"] = AUDITOR
    for page, reader in pages.items():
        for role, is_shown in ((reader, True), (OPERATOR, False)):
            client.force_login(users[role])
            answer = client.get(page)
            assert answer.status_code == 200
            assert (b"secret" in answer.content) == is_shown, (page, role)
