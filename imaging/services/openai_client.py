"""OpenAI's own client on the gateway's transport, with our errors.

A call that was sent is never sent again here: it may have been paid for.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai
from django.conf import settings

from common.outbound.openai_transport import NO_KEY, OutboundTransport
from imaging import pictures
from imaging.exceptions import PictureRefused, ProviderError, ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.pictures import Picture
from imaging.services.interface import Exchange

MAX_ANSWER_BYTES = 64 * 1024 * 1024
REFUSALS = frozenset({"moderation_blocked", "content_policy_violation", "invalid_image", "image_too_large"})


class KeepingTransport(httpx2.BaseTransport):
    """Gives a good answer to its exchange before anything reads it, or takes it from there without a call."""

    def __init__(self, transport: httpx2.BaseTransport, exchange: Exchange) -> None:
        self._transport, self._exchange = transport, exchange

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer. Raises httpx2's errors."""
        answer = self._exchange.kept()
        if answer is None:
            response = self._transport.handle_request(request)
            if not response.is_success:
                return response
            answer = response.read()
            self._exchange.keep(answer)
        return httpx2.Response(200, headers={"Content-Type": "application/json"}, content=answer, request=request)


@contextmanager
def opened(exchange: Exchange) -> Iterator[openai.OpenAI]:
    """A client for one call. Raises `ProviderError` without a key."""
    if not settings.OPENAI_API_KEY:
        raise ProviderError("There is no key for OpenAI: set OPENAI_API_KEY.")
    transport = OutboundTransport(settings.OPENAI_API_KEY, MAX_ANSWER_BYTES, exchange.switch)
    keeping = KeepingTransport(transport, exchange)
    with httpx2.Client(transport=keeping, trust_env=False, follow_redirects=False) as http:
        yield openai.OpenAI(
            api_key=NO_KEY,
            base_url=settings.OPENAI_BASE_URL,
            max_retries=0,
            timeout=settings.OPENAI_SECONDS,
            http_client=http,
        )


@contextmanager
def errors_mapped() -> Iterator[None]:
    """Turns the client's errors into ours. The texts quote nothing of the answer."""
    try:
        yield
    except openai.APITimeoutError as exc:
        raise ProviderTimeout(f"The provider did not answer within {settings.OPENAI_SECONDS:g} s.") from exc
    except openai.RateLimitError as exc:
        raise ProviderQuota("The provider's rate limit or quota is used up. Try again later.") from exc
    except openai.BadRequestError as exc:
        raise _refused(exc) from exc
    except openai.APIStatusError as exc:
        raise ProviderError(f"The provider answered HTTP {exc.status_code}.") from exc
    except (openai.OpenAIError, httpx2.HTTPError, ValueError) as exc:
        raise ProviderError(f"The provider's answer can't be used ({type(exc).__name__}).") from exc


def _refused(exc: openai.BadRequestError) -> ProviderError:
    if exc.code in REFUSALS:
        return ProviderRefused(f"The provider refuses this picture or its description ({exc.code}).")
    return ProviderError("The provider refuses the request (HTTP 400).")


def picture(encoded: str) -> Picture:
    """A picture in base64, read as carefully as a caller's. Raises `ProviderError`."""
    try:
        return pictures.read(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, PictureRefused) as exc:
        raise ProviderError("The provider's answer has no readable picture.") from exc
