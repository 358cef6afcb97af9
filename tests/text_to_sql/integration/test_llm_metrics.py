"""`/metrics` counts each call of the language model, with its tokens, and none of its words."""

import pytest
from pytest_django import Settings

from common.metrics import scrape as scraping
from tests.support.llm_server import LLMServer, completes, fails
from tests.support.metrics import Scrape
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

QUESTION = '{"question": "which visits of a patient whose name nobody may read?"}'


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 0)


def scraped(api: Api) -> Scrape:
    return Scrape.of(api.client.get("/metrics").content.decode())


def test_calls_are_counted_by_agent_and_outcome(
    api: Api, sqlite_target: Target, llm: LLMServer, settings: Settings
) -> None:
    settings.LLM_RETRIES = 1
    database = api.register(sqlite_target.owner)
    before = scraped(api)
    llm.say(fails("503 Service Unavailable", head="Retry-After: 0\r\n"), completes("SELECT id FROM visits"))
    api.client.post(f"/llm/generate-sql/db/{database}", QUESTION, content_type="application/json")
    after = scraped(api)
    changed = {name: value for name, value in after.since(before).items() if "provider" in name}
    assert changed == {
        "provider_calls_total{refused,query_generator}": 1,
        "provider_calls_total{succeeded,query_generator}": 1,
        "provider_seconds_count{query_generator}": 2,
        "provider_tokens_total{in,query_generator}": 120,
        "provider_tokens_total{out,query_generator}": 8,
    }
    assert not any("visits" in str(sample) for sample in after.samples)
