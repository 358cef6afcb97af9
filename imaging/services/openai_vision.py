"""What is in the picture, by an OpenAI model that sees: chat completions with the picture as a data URL."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings

from common.printable import printable
from imaging import pictures, prompts
from imaging.exceptions import ProviderError, ProviderRefused
from imaging.services.vision2text import Description

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

    from imaging.pictures import Picture
    from imaging.services.interface import Usage
    from imaging.services.vision2text import Seen

MOST_TOKENS: Final = 1000  # of an answer
MOST_KEYWORDS: Final = 6
DESCRIPTION_CHARS: Final = 2000
KEYWORD_CHARS: Final = 50
# Structured outputs: https://platform.openai.com/docs/guides/structured-outputs. Limits are not part of their dialect.
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"description": {"type": "string"}, "keywords": {"type": "array", "items": {"type": "string"}}},
    "required": ["description", "keywords"],
    "additionalProperties": False,
}


class OpenAIVision:
    """OpenAI's chat with pictures, by its own client. It gets the picture's bytes and never the caller's URL."""

    provider = "openai"

    def run(self, given: Seen, usage: Usage) -> Description:
        """Describes a picture. Raises `ProviderError`."""
        from imaging.services import openai_client  # noqa: PLC0415 - the client takes 100 MB

        prompt = prompts.newest("describe")
        usage.model, usage.prompt_version, usage.prompt = settings.OPENAI_VISION_MODEL, prompt.version, prompt.text
        with openai_client.errors_mapped(), openai_client.opened(usage.exchange) as client:
            answer = client.chat.completions.create(
                model=usage.model,
                messages=[
                    {"role": "system", "content": prompt.text},
                    {"role": "user", "content": [_part(given.picture)]},
                ],
                max_completion_tokens=MOST_TOKENS,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "desk", "strict": True, "schema": SCHEMA},
                },
            )
        try:
            _count(answer, usage)
            text = _text(answer)
        except (AttributeError, TypeError, IndexError) as exc:  # the client does not check what it received
            raise ProviderError("The provider's answer is not of the documented form.") from exc
        found = _description(text, answer_of=usage.model)
        usage.answer = vars(found)
        return found

    def most_microdollars(self) -> int:
        """What one call costs at most."""
        return round(settings.OPENAI_VISION_MAX_COST * 1_000_000)

    def info(self) -> dict[str, Any]:
        """Its model and prices."""
        prices = {"input": settings.OPENAI_VISION_INPUT_PRICE, "output": settings.OPENAI_VISION_OUTPUT_PRICE}
        prompt = prompts.newest("describe").version
        return {"model": settings.OPENAI_VISION_MODEL, "prompt": prompt, "dollars_per_million_tokens": prices}


def _part(picture: Picture) -> Any:
    data = base64.b64encode(picture.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{pictures.CONTENT_TYPE};base64,{data}", "detail": "high"}}


def _count(answer: ChatCompletion, usage: Usage) -> None:
    usage.model_version = str(answer.model)[:100]
    if answer.usage is not None:
        usage.input_tokens, usage.output_tokens = int(answer.usage.prompt_tokens), int(answer.usage.completion_tokens)
        prices = settings.OPENAI_VISION_INPUT_PRICE, settings.OPENAI_VISION_OUTPUT_PRICE
        # Dollars for a million tokens are millionths of a dollar for one.
        usage.cost_microdollars = round(usage.input_tokens * prices[0] + usage.output_tokens * prices[1])


def _text(answer: ChatCompletion) -> str:
    """What the model wrote. Raises `ProviderError` for a refusal, and for an answer that is cut off."""
    choice = answer.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ProviderRefused("The provider refuses to describe this picture.")
    if choice.finish_reason == "length":
        raise ProviderError(f"The provider's answer is cut off: it has more than {MOST_TOKENS} tokens.")
    if not choice.message.content:
        raise ProviderError("The provider's answer has no text.")
    return str(choice.message.content)


def _description(text: str, answer_of: str) -> Description:
    """The answer, checked: a model may ignore the schema. Raises `ProviderError`, which quotes nothing of it."""
    try:
        value = orjson.loads(text)
        description, keywords = value["description"], value["keywords"]
    except (ValueError, TypeError, KeyError):
        raise ProviderError("The provider's answer is not the JSON that it was asked for.") from None
    if not isinstance(keywords, list) or not all(isinstance(each, str) for each in [description, *keywords]):
        raise ProviderError("The provider's answer has other types than it was asked for.")
    said = " ".join(printable(description, DESCRIPTION_CHARS).split())
    wanted = dict.fromkeys(" ".join(printable(each, KEYWORD_CHARS).split()) for each in keywords)
    kept = [each for each in wanted if each][:MOST_KEYWORDS]
    if not said or not kept:
        raise ProviderError("The provider's answer has no description, or no keyword.")
    return Description(said, tuple(kept), answer_of)
