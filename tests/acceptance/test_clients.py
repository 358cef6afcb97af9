"""The clients against a real gateway that requires callers: the README's path in Python, and a React application.

The application is made outside of this repository, and its page comes from another origin.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from ml_proxy_client import JobFailed, MlProxy, ProblemError, Unreachable
from playwright.sync_api import Page, expect

from tests.acceptance.helpers.browser import CHROMIUM, NO_CHROMIUM, chromium
from tests.support import react_application
from tests.support.network import free_port
from tests.support.system import ROOT, System
from tests.support.wait import DEADLINE_SECONDS, until

pytestmark = pytest.mark.any_database

BODY = json.loads((ROOT / "docs" / "examples" / "predict.json").read_text())
RETRAIN = {"min_seconds": 0.5}
VERDICTS = ("agree", "correct")
QUESTION, COUNT = "How many orders are there?", "SELECT COUNT(*) AS n FROM orders"
APPLICATION_PORT = free_port()
WATCH_JOB = """
const job = document.querySelector("[data-testid=job]");
const tell = () => window.onJob(job.textContent);
new MutationObserver(tell).observe(job, { childList: true, characterData: true, subtree: true });
"""


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System]) -> System:
    system = make_shared_system(API_AUTH="required", CORS_ALLOWED_ORIGINS=f"http://127.0.0.1:{APPLICATION_PORT}")
    system.start("redis", "ml_server", "publisher", "worker-logs", "worker-jobs", "web")
    return system


@pytest.fixture(scope="module")
def token(system: System) -> str:
    system.manage("shell", "-c", "from django.contrib.auth.models import User; User.objects.create_superuser('cron')")
    return system.manage("create_token", "cron").splitlines()[-1]


@pytest.fixture(scope="module")
def shop(system: System, token: str) -> int:
    """A database with two orders and one verified example, so that its question needs no language model."""
    folder = system.folder / "databases"
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "shop.sqlite3")) as lite:
        lite.executescript("CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)")
    info = json.dumps({"engine": "sqlite", "db": "shop.sqlite3"})
    database = _post(system, token, "/ddp/db", {"kor_name": "가게", "connection_info": info})
    path = f"/ddp/db/{database['id']}"
    _post(system, token, f"{path}/table", _post(system, token, f"{path}/extract/table"))
    _post(system, token, f"{path}/example", {"question": QUESTION, "sql": COUNT})
    return int(database["id"])


def _post(system: System, token: str, path: str, body: Any = None) -> Any:
    answer = requests.post(
        f"{system.url}{path}", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE_SECONDS
    )
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture
def proxy(system: System, token: str) -> MlProxy:
    found = MlProxy(system.url, token)
    until(lambda: found.predict(BODY), what="the model server")
    return found


def test_the_path_of_the_readme_in_python(proxy: MlProxy, tmp_path: Path) -> None:
    first = proxy.predict(BODY, idempotency_key="notebook-1")
    assert proxy.predict(BODY, idempotency_key="notebook-1") == first
    assert first.answer["predictions"][0]["label"] == "benign"

    row = until(lambda: proxy.inference(first.inference_id), what="the record")
    assert row["output_data"] == first.answer
    ids = [each["id"] for each in proxy.history(doctor=BODY["doctor_name"], limit=1)]  # a page for each row
    assert first.inference_id in ids
    assert len(ids) == len(set(ids)) > 1
    assert list(proxy.history(doctor="nobody")) == []

    verdict = proxy.feedback(first.inference_id, "correct", "malignant", "second reading")
    assert verdict["label"] == "malignant"

    seen: list[dict[str, Any]] = []
    result = proxy.retrain(params=RETRAIN, idempotency_key="cron-1").wait(seen.append, timeout=DEADLINE_SECONDS)
    assert result["model"]["version"] != "1"
    assert [job["state"] for job in (seen[0], seen[-1])] == ["queued", "succeeded"]

    file = proxy.export(tmp_path / "rows.csv", format="csv", doctor=BODY["doctor_name"])
    assert file.read_text().count("\n") >= len(ids) + 1
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]


def test_history_by_model_and_verdict_in_python(proxy: MlProxy) -> None:
    ids = [proxy.predict(BODY).inference_id for _ in range(2)]
    for inference_id, label in zip(ids, (None, "malignant"), strict=True):
        until(lambda at=inference_id: proxy.inference(at), what="the record")  # type: ignore[misc]
        proxy.feedback(inference_id, "correct" if label else "agree", label)
    model = proxy.inference(ids[0])["model_name"]
    found = {verdict: {each["id"] for each in proxy.history(model=model, verdict=verdict)} for verdict in VERDICTS}
    assert ids[0] in found["agree"] - found["correct"]
    assert ids[1] in found["correct"] - found["agree"]
    assert list(proxy.history(model="no such model")) == []
    with pytest.raises(ProblemError, match="looked up"):
        list(proxy.history(model=model, patient="Lee"))


def test_a_question_in_python(proxy: MlProxy, shop: int) -> None:
    answer = proxy.ask(shop, QUESTION, summarize=True)
    assert (answer.sql, answer.rows, answer.truncated) == (COUNT, [{"n": 2}], False)
    assert [column["name"] for column in answer.columns] == ["n"]
    assert answer.summary
    edited = proxy.run_sql(shop, answer.session_id, "SELECT MAX(id) AS most FROM orders")
    assert (edited.rows, edited.summary) == ([{"most": 2}], None)
    with pytest.raises(ProblemError) as unknown:
        proxy.ask(shop, "What is the weather?")
    assert unknown.value.problem["type"] == "urn:ml-proxy:problem:model-needed"
    with pytest.raises(ProblemError) as refused:
        proxy.run_sql(shop, answer.session_id, "DELETE FROM orders")
    assert refused.value.problem["type"] == "urn:ml-proxy:problem:statement-refused"


def test_a_job_that_is_cancelled_is_an_error(proxy: MlProxy) -> None:
    job = proxy.retrain(params={"min_seconds": 60})
    with pytest.raises(ProblemError) as conflict:
        proxy.retrain()
    assert (conflict.value.status, conflict.value.location) == (409, job.location)
    with pytest.raises(TimeoutError, match=job.id):
        job.wait(timeout=0)
    job.cancel()
    with pytest.raises(JobFailed, match="cancel"):
        job.wait(timeout=DEADLINE_SECONDS)


def test_errors_say_what_to_do(proxy: MlProxy, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProblemError) as refused:
        proxy.predict({"doctor_name": "Dr. Yoon", "features": {}})
    assert [error["pointer"] for error in refused.value.errors] == ["/patient_name"]
    assert refused.value.request_id
    with pytest.raises(ProblemError, match=r".") as unknown:
        MlProxy(system.url, "wrong").predict(BODY)
    assert unknown.value.status == 401
    with pytest.raises(Unreachable):
        MlProxy(f"http://127.0.0.1:{free_port()}", attempts=1).predict(BODY)
    monkeypatch.delenv("ML_PROXY_URL", raising=False)
    with pytest.raises(ValueError, match="ML_PROXY_URL"):
        MlProxy()


@pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM)
def test_a_react_application_of_another_origin(
    system: System, proxy: MlProxy, token: str, shop: int, tmp_path: Path
) -> None:
    built = react_application.build(tmp_path, Path(__file__).parent / "react_application" / "main.tsx")
    features = {name: value for name, value in BODY.items() if not name.endswith("_name")}
    with react_application.served(built, APPLICATION_PORT) as origin, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(DEADLINE_SECONDS * 1000)
        page.add_init_script(f"window.example = {json.dumps(features)}")
        states: list[str] = []
        page.expose_function("onJob", lambda state: states.append(state))  # noqa: PLW0108 - it can't wrap a builtin
        page.goto(f"{origin}/?gateway={system.url}&database={shop}")

        sign_in(page, "wrong")
        expect(page.get_by_test_id("error")).to_contain_text("token")
        page.reload()
        sign_in(page, token)

        predict = page.get_by_role("button", name="Predict")
        for _ in range(2):
            predict.click()
            expect(page.get_by_test_id("label")).to_have_text("benign")
        record = page.get_by_test_id("record").inner_text()
        until(lambda: proxy.inference(record), what="the record")
        page.get_by_role("button", name="Refresh").click()
        expect(page.get_by_role("listitem")).to_have_text([record])
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("listitem")).to_have_count(2)

        page.evaluate(WATCH_JOB)
        page.get_by_role("button", name="Train").click()
        expect(page.get_by_test_id("job")).to_have_text("succeeded 100")
        assert {"queued", "running"} & {state.partition(" ")[0] for state in states}, states

        for question, sql, rows, fault in (
            (QUESTION, COUNT, '[{"n":2}]', ""),
            ("What is the weather?", "", "", "no model is connected"),  # and the rows of the question before are gone
        ):
            page.get_by_label("question").fill(question)
            page.get_by_role("button", name="Ask").click()
            expect(page.get_by_test_id("sql")).to_have_text(sql)
            expect(page.get_by_test_id("data")).to_have_text(rows)
            expect(page.get_by_test_id("fault")).to_contain_text(fault)
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_test_id("data")).to_have_text('[{"one":1}]')


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("token").fill(token)
    page.get_by_role("button", name="Sign in").click()
