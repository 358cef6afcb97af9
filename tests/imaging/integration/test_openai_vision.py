"""OpenAI's chat with pictures, by its own client against a server that speaks the protocol: good and bad ones."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from imaging import pictures
from imaging.calls import Origin, perform
from imaging.exceptions import ProviderError, ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.models import ProviderCall
from imaging.services.desk_classify import Classification
from imaging.services.vision2text import VISION2TEXT, Description, Seen
from tests.support.llm_server import breaks_off, completes, fails, resets, sends
from tests.support.model import Conversation, Script, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SEEN = Seen(pictures.encoded(Image.new("RGB", (64, 64), "teal"), "PNG"), Classification(True, 0.9, (), ()))
GOOD = {
    "description": "A teal desk.\nIt is untidy.",
    "keywords": ["모니터 받침대", "스탠드 조명", "모니터 받침대", " "],
}
SECRET = "secret words"


@pytest.fixture
def openai(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    settings.IMAGE_DESCRIBER = "imaging.services.openai_vision.OpenAIVision"
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = f"{model.url}/v1", "sk-test"
    settings.OPENAI_VISION_INPUT_PRICE, settings.OPENAI_VISION_OUTPUT_PRICE = 2.5, 10.0
    settings.OPENAI_SECONDS = 20.0
    model.script = completes(json.dumps(GOOD), tokens_in=1000, tokens_out=80)
    return model


def describe() -> Description:
    return perform(VISION2TEXT, SEEN, Origin("ann", "job-7"))


@pytest.mark.usefixtures("gateway")
def test_the_picture_is_sent_as_a_data_url_and_the_answer_is_cleaned(openai: ScriptedModel) -> None:
    found = describe()
    assert found == Description("A teal desk. It is untidy.", ("모니터 받침대", "스탠드 조명"), "gpt-4o")
    [request] = openai.requests
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.fields["authorization"] == "Bearer sk-test"
    body = json.loads(request.body)
    assert (body["model"], body["max_completion_tokens"]) == ("gpt-4o", 1000)
    assert body["response_format"]["json_schema"]["strict"] is True
    [part] = body["messages"][1]["content"]
    head, _, data = part["image_url"]["url"].partition(",")
    assert (part["type"], head) == ("image_url", "data:image/jpeg;base64")
    assert base64.b64decode(data) == SEEN.picture.data


@pytest.mark.usefixtures("gateway", "openai")
def test_the_record_has_tokens_cost_and_prompt(process_records: Callable[[], None]) -> None:
    describe()
    process_records()
    row = ProviderCall.objects.get()
    assert (row.service, row.provider, row.model) == ("vision2text", "openai", "gpt-4o")
    assert (row.model_version, row.prompt_version) == ("scripted-1", "describe-1")
    assert (row.input_tokens, row.output_tokens, row.cost_microdollars) == (1000, 80, 3300)
    assert "Korean" in row.prompt
    assert json.loads(row.answer)["keywords"] == ["모니터 받침대", "스탠드 조명"]


def says(value: Any) -> Script:
    return completes(value if isinstance(value, str) or value is None else json.dumps(value))


def chooses(**choice: Any) -> Script:
    whole = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": json.dumps(GOOD)},
    } | choice
    return sends(json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [whole]}).encode())


def _refuses(conversation: Conversation) -> None:
    chooses(message={"role": "assistant", "content": None, "refusal": SECRET})(conversation)


def _silent(conversation: Conversation) -> None:
    time.sleep(0.6)


def _drips(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while True:
        conversation.send(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "error", "said", "outcome"),
    [
        (fails("429 Too Many", SECRET, code="rate_limit_exceeded"), ProviderQuota, "quota", "quota"),
        (fails("429 Too Many", SECRET, code="insufficient_quota"), ProviderQuota, "quota", "quota"),
        (fails("400 Bad", SECRET, code="content_policy_violation"), ProviderRefused, "refuses", "refused"),
        (fails("400 Bad", SECRET, param="model"), ProviderError, "HTTP 400", "failed"),
        (fails("401 Unauthorized", SECRET), ProviderError, "HTTP 401", "failed"),
        (fails("500 Oops", SECRET), ProviderError, "HTTP 500", "failed"),
        (fails("503 Busy", SECRET), ProviderError, "HTTP 503", "failed"),
        (_refuses, ProviderRefused, "refuses to describe", "refused"),
        (chooses(finish_reason="content_filter"), ProviderRefused, "refuses to describe", "refused"),
        (chooses(finish_reason="length"), ProviderError, "cut off", "failed"),
        (says(None), ProviderError, "no text", "failed"),
        (says("Sure! Here is the desk."), ProviderError, "not the JSON", "failed"),
        (says(json.dumps(GOOD)[:-5]), ProviderError, "not the JSON", "failed"),
        (says([SECRET]), ProviderError, "not the JSON", "failed"),
        (says({"description": SECRET}), ProviderError, "not the JSON", "failed"),
        (says(GOOD | {"keywords": SECRET}), ProviderError, "other types", "failed"),
        (says(GOOD | {"keywords": [7]}), ProviderError, "other types", "failed"),
        (says(GOOD | {"description": None}), ProviderError, "other types", "failed"),
        (says(GOOD | {"keywords": []}), ProviderError, "no keyword", "failed"),
        (says(GOOD | {"description": "\n"}), ProviderError, "no description", "failed"),
        (sends(b'{"choices": []}'), ProviderError, "documented form", "failed"),
        (sends(b'{"choices": [{"message": 7}]}'), ProviderError, "documented form", "failed"),
        (sends(b"[]"), ProviderError, "provider", "failed"),
        (sends(b"<html>", "text/html"), ProviderError, "provider", "failed"),
        (resets, ProviderError, "provider", "failed"),
        (breaks_off, ProviderError, "provider", "failed"),
        (_silent, ProviderTimeout, "within 0.3 s", "timed-out"),
        (_drips, ProviderTimeout, "within 0.3 s", "timed-out"),
    ],
)
@pytest.mark.usefixtures("gateway")
def test_a_bad_answer_is_an_error_and_a_record_and_is_never_asked_for_again(  # noqa: PLR0917 - fixtures
    openai: ScriptedModel,
    settings: Settings,
    process_records: Callable[[], None],
    script: Script,
    error: type[ProviderError],
    said: str,
    outcome: str,
) -> None:
    settings.OPENAI_SECONDS = 0.3 if error is ProviderTimeout else 30.0
    openai.script = script
    with pytest.raises(error, match=said) as raised:
        describe()
    assert type(raised.value) is error
    assert SECRET not in raised.value.detail
    assert len(openai.requests) == 1  # it may have been paid for
    process_records()
    assert [row.outcome for row in ProviderCall.objects.all()] == [outcome]


@pytest.mark.usefixtures("openai")
def test_info_says_which_model_and_what_it_costs(gateway: Client) -> None:
    found = gateway.get("/ai/info/").json()["services"]["vision2text"]
    assert (found["provider"], found["model"], found["prompt"]) == ("openai", "gpt-4o", "describe-1")
    assert found["dollars_per_million_tokens"] == {"input": 2.5, "output": 10.0}
