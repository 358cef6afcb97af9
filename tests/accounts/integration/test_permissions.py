"""Authentication and permissions: 401 and 403 with `API_AUTH=required`, without a call of the model."""

import base64
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from accounts.models import Profile
from jobs.models import Job
from tests.support.gateway import BODY, Journaled, assert_problem, predict
from tests.support.model import PREDICTION, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PASSWORD = "correct horse"

TOKEN = "a" * 32


class Need(NamedTuple):
    method: str
    path: str
    permission: str = ""


NEEDS = [
    Need("POST", "predict/", "add_inferencelog"),
    Need("GET", "history/", "view_inferencelog"),
    Need("POST", "mlflow/log-prediction/", "add_mlflowoutbox"),
    Need("GET", "mlflow/runs/0/", "view_inferencelog"),
    Need("POST", "retrain/", "add_job"),
    Need("POST", "models/a/versions/2/promote/", "promote_model"),
    Need("GET", "retrain/jobs/", "view_job"),
    Need("POST", "retrain/jobs/", "add_job"),
    Need("POST", "retrain/jobs/00000000-0000-7000-8000-000000000000/cancel/", "change_job"),
]
ALL = [*NEEDS, Need("GET", "status/"), Need("GET", "model-info/"), Need("GET", "models/")]


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.API_AUTH = "required"


@pytest.fixture
def user(db: None) -> User:
    created = User.objects.create_user("dr-kim", password=PASSWORD)
    Profile.objects.create(user=created, doctor_name=str(BODY["doctor_name"]))
    return created


@pytest.fixture
def nothing_reached(model: ScriptedModel, journaled: Journaled) -> Iterator[None]:
    yield
    assert (model.requests, journaled()) == ([], [])


def allow(user: User, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def basic(name: str = "dr-kim", password: str = PASSWORD) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def send(gateway: Client, need: Need, **fields: Any) -> Any:
    body = json.dumps(BODY) if need.method == "POST" else ""
    return gateway.generic(need.method, f"/ml/v1/{need.path}", body, content_type="application/json", **fields)


@pytest.mark.usefixtures("nothing_reached")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        basic("nobody"),
        basic(password="wrong"),
        {"HTTP_AUTHORIZATION": "Basic"},
        {"HTTP_AUTHORIZATION": "Basic a b"},
        {"HTTP_AUTHORIZATION": "Basic \xff"},
        {"HTTP_AUTHORIZATION": "Bearer token"},
        {"HTTP_COOKIE": "sessionid=unknown"},
    ],
)
def test_it_answers_401_without_credentials(gateway: Client, user: User, fields: dict[str, Any]) -> None:
    for need in ALL:
        response = send(gateway, need, **fields)
        assert_problem(response, 401, "not-signed-in")
        assert response["WWW-Authenticate"].startswith("Bearer realm=")


@pytest.mark.usefixtures("nothing_reached")
def test_it_answers_401_to_a_user_who_is_no_longer_active(gateway: Client, user: User) -> None:
    User.objects.update(is_active=False)
    assert_problem(predict(gateway, **basic()), 401, "not-signed-in")


@pytest.mark.usefixtures("nothing_reached")
@pytest.mark.parametrize("need", NEEDS)
def test_it_answers_403_without_the_permission(gateway: Client, user: User, need: Need) -> None:
    for codename in {other.permission for other in NEEDS} - {need.permission}:
        allow(user, codename)
    found = assert_problem(send(gateway, need, **basic()), 403, "not-allowed")
    assert need.permission in found["detail"]


@pytest.mark.parametrize("need", ALL)
def test_it_admits_a_user_with_the_permission(
    gateway: Client, user: User, settings: Settings, empty_redis: str, need: Need
) -> None:
    settings.REDIS_URL = empty_redis
    if need.permission:
        allow(user, need.permission)
    assert send(gateway, need, **basic()).status_code in {200, 202, 400, 404}


@pytest.mark.parametrize("fields", [{"path": "retrain/jobs/"}, {"path": "retrain/", "HTTP_PREFER": "respond-async"}])
def test_a_retrain_with_feedback_needs_the_export_permission_too(
    gateway: Client, user: User, settings: Settings, empty_redis: str, fields: dict[str, Any]
) -> None:
    settings.REDIS_URL = empty_redis
    allow(user, "add_job")
    url, rest = f"/ml/v1/{fields['path']}", {name: value for name, value in fields.items() if name != "path"}

    def ask(body: str) -> Any:
        return gateway.generic("POST", url, body, content_type="application/json", **rest, **basic())

    for body in ('{"verdicts": true}', '{"verdicts": {}}'):
        assert "export_dataset" in assert_problem(ask(body), 403, "not-allowed")["detail"]
    assert not Job.objects.exists()
    allow(user, "export_dataset")
    assert "access_all_doctors" in assert_problem(ask('{"verdicts": true}'), 403, "not-allowed")["detail"]
    allow(user, "access_all_doctors")
    assert ask('{"verdicts": true}').status_code == 202


def test_it_records_the_caller(gateway: Client, user: User, journaled: Journaled) -> None:
    allow(user, "add_inferencelog")
    assert predict(gateway, **basic()).content == PREDICTION
    assert [record.caller for record in journaled()] == ["dr-kim"]


@pytest.fixture
def browser(gateway: Client, user: User) -> Client:
    """A client signed in by a session, with Django's CSRF protection."""
    allow(user, "add_inferencelog")
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.mark.usefixtures("nothing_reached")
@pytest.mark.parametrize("fields", [{}, {"HTTP_X_CSRFTOKEN": "forged"}, {"HTTP_ORIGIN": "http://testserver"}])
def test_it_answers_403_to_a_forged_request(browser: Client, fields: dict[str, Any]) -> None:
    assert "CSRF" in assert_problem(predict(browser, **fields), 403, "not-allowed")["detail"]


@pytest.mark.usefixtures("nothing_reached")
@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_it_ignores_a_csrf_token_in_a_form(browser: Client, media: str) -> None:
    browser.cookies["csrftoken"] = TOKEN
    form = f"csrfmiddlewaretoken={TOKEN}"
    if media.startswith("multipart"):
        form = f'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{TOKEN}\r\n--x--\r\n'
    assert_problem(predict(browser, form, CONTENT_TYPE=media), 403, "not-allowed")


def test_it_accepts_a_session_with_its_csrf_token(browser: Client, model: ScriptedModel) -> None:
    browser.cookies["csrftoken"] = TOKEN
    assert predict(browser, HTTP_X_CSRFTOKEN=TOKEN).content == PREDICTION
    [request] = model.requests
    assert json.loads(request.body) == BODY
    assert not {"cookie", "x-csrftoken", "authorization"} & request.fields.keys()


def test_it_accepts_a_form_of_a_session_with_its_csrf_token(browser: Client, model: ScriptedModel) -> None:
    browser.cookies["csrftoken"] = TOKEN
    part = '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\nDr. Kim\r\n'
    form = part % "doctor_name" + part % "patient_name" + "--b--\r\n"
    answer = predict(browser, form, HTTP_X_CSRFTOKEN=TOKEN, CONTENT_TYPE="multipart/form-data; boundary=b")
    assert answer.content == PREDICTION
    assert model.requests[0].body == form.encode()


@pytest.mark.parametrize("need", ALL)
def test_a_session_has_the_permissions_of_its_user(
    browser: Client, settings: Settings, empty_redis: str, user: User, need: Need
) -> None:
    settings.REDIS_URL = empty_redis
    browser.cookies["csrftoken"] = TOKEN
    if need.permission:
        allow(user, need.permission)
    assert send(browser, need, HTTP_X_CSRFTOKEN=TOKEN).status_code in {200, 202, 400, 404}


def test_basic_credentials_need_no_csrf_token(gateway: Client, user: User) -> None:
    allow(user, "add_inferencelog")
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert predict(client, **basic()).status_code == 200


def test_an_open_api_needs_no_credentials(gateway: Client, settings: Settings, journaled: Journaled) -> None:
    settings.API_AUTH = "open"
    assert predict(gateway, **basic("nobody")).status_code == 200
    assert [record.caller for record in journaled()] == [""]
