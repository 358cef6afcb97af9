"""OpenAI's image edits, by its own client against a server that speaks the protocol: good answers and bad ones."""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from common.exceptions import GatewayError
from imaging import calls, pictures
from imaging.calls import Origin
from imaging.exceptions import ProviderError, ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.models import ProviderCall
from imaging.pictures import Picture
from imaging.services.image_generation import IMAGE_GENERATION, Draft
from tests.support import malformed_pictures
from tests.support.model import Conversation, Script, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

DRAFT = Draft(pictures.encoded(Image.new("RGB", (64, 64), "teal"), "PNG"), "probably a desk")
DRAWN = base64.b64encode(malformed_pictures.saved(Image.new("RGB", (96, 64), "red"), "JPEG")).decode()
USAGE = {
    "input_tokens": 400,
    "input_tokens_details": {"image_tokens": 350, "text_tokens": 50},
    "output_tokens": 1000,
    "total_tokens": 1400,
}


@pytest.fixture
def openai(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    settings.IMAGE_DRAWER = "imaging.services.image_generation.OpenAIEdits"
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = f"{model.url}/v1", "sk-test"
    settings.OPENAI_IMAGE_INPUT_PRICE, settings.OPENAI_IMAGE_OUTPUT_PRICE = 10.0, 40.0
    settings.OPENAI_SECONDS = 20.0
    model.script = answers({"created": 1, "data": [{"b64_json": DRAWN}], "usage": USAGE})
    return model


def answers(value: Any, status: str = "200 OK") -> Script:
    return lambda conversation: conversation.answer(json.dumps(value).encode(), status=status)


def draw() -> Picture:
    return calls.perform(IMAGE_GENERATION, DRAFT, Origin("ann", "job-7"))


def test_the_picture_s_bytes_and_the_prompt_are_sent(gateway: Client, openai: ScriptedModel) -> None:
    drawn = draw()
    assert (drawn.width, drawn.height) == (96, 64)
    [request] = openai.requests
    assert request.line == "POST /v1/images/edits HTTP/1.1"
    assert request.fields["authorization"] == "Bearer sk-test"
    assert DRAFT.picture.data in request.body
    form = dict(re.findall(rb'name="(model|prompt|output_format)"\r\n\r\n(.*?)\r\n--', request.body, re.DOTALL))
    assert form[b"model"] == b"gpt-image-1"
    assert form[b"output_format"] == b"jpeg"
    assert b"probably a desk" in form[b"prompt"]


def test_the_record_has_tokens_cost_and_prompt(
    gateway: Client, openai: ScriptedModel, process_records: Callable[[], None]
) -> None:
    draw()
    process_records()
    row = ProviderCall.objects.get()
    assert (row.provider, row.model, row.prompt_version) == ("openai", "gpt-image-1", "draw-1")
    assert (row.input_tokens, row.output_tokens, row.cost_microdollars) == (400, 1000, 44_000)
    assert "probably a desk" in row.prompt
    assert (row.outcome, row.caller, row.job) == ("succeeded", "ann", "job-7")
    assert DRAWN[:40] not in row.answer


def _silent(conversation: Conversation) -> None:
    time.sleep(0.6)


def _drips(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while True:
        conversation.send(b" ")
        time.sleep(0.02)


def _drips_its_head(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        conversation.send(b"x")
        time.sleep(0.02)


def _endless(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conversation.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")


def _error(status: str, code: str) -> Script:
    return answers({"error": {"message": "secret words", "type": "x", "code": code}}, status)


def _picture(data: str) -> Script:
    return answers({"created": 1, "data": [{"b64_json": data}]})


def _sends(data: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.sock.close()

    return script


@pytest.mark.parametrize(
    ("script", "error", "outcome"),
    [
        (_error("429 Too Many", "rate_limit_exceeded"), ProviderQuota, "quota"),
        (_error("429 Too Many", "insufficient_quota"), ProviderQuota, "quota"),
        (_error("400 Bad", "moderation_blocked"), ProviderRefused, "refused"),
        (_error("400 Bad", "unknown_parameter"), ProviderError, "failed"),
        (_error("401 Unauthorized", "invalid_api_key"), ProviderError, "failed"),
        (_error("500 Oops", "server_error"), ProviderError, "failed"),
        (_error("503 Busy", "overloaded"), ProviderError, "failed"),
        (_picture("not base64!"), ProviderError, "failed"),
        (_picture(base64.b64encode(b"<svg></svg>").decode()), ProviderError, "failed"),
        (_picture(DRAWN[:200]), ProviderError, "failed"),
        (_picture(""), ProviderError, "failed"),
        (answers({"created": 1, "data": []}), ProviderError, "failed"),
        (answers({"created": 1}), ProviderError, "failed"),
        (answers({"created": 1, "data": [{"url": "http://10.0.0.1/"}]}), ProviderError, "failed"),
        (answers([]), ProviderError, "failed"),
        (answers({"created": 1, "data": "none", "usage": "none"}), ProviderError, "failed"),
        (_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), ProviderError, "failed"),
        (_sends(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"), ProviderError, "failed"),
        (_sends(b"not HTTP"), ProviderError, "failed"),
        (_endless, ProviderError, "failed"),
        (_silent, ProviderTimeout, "timed-out"),
        (_drips, ProviderTimeout, "timed-out"),
        (_drips_its_head, ProviderTimeout, "timed-out"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("gateway")
def test_a_bad_answer_is_an_error_and_a_record_and_is_never_asked_for_again(  # noqa: PLR0917 - fixtures
    openai: ScriptedModel,
    settings: Settings,
    process_records: Callable[[], None],
    script: Script,
    error: type[GatewayError],
    outcome: str,
) -> None:
    settings.OPENAI_SECONDS = 0.3 if error is ProviderTimeout else 30.0
    openai.script = script
    with pytest.raises(error) as raised:
        draw()
    assert type(raised.value) is error
    assert "secret words" not in raised.value.detail
    assert len(openai.requests) == 1  # it may have been paid for
    process_records()
    assert [row.outcome for row in ProviderCall.objects.all()] == [outcome]


def test_without_a_key_it_says_what_to_set(gateway: Client, openai: ScriptedModel, settings: Settings) -> None:
    settings.OPENAI_API_KEY = ""
    with pytest.raises(ProviderError, match="set OPENAI_API_KEY"):
        draw()
    assert openai.requests == []
