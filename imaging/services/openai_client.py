"""OpenAI's own client, with a deadline, a cap on bytes, and our errors.

The client's timeouts are per read, so a server that drips could hold a call for ever. The transport below ends it. A
call that was sent is never sent again here: it may have been paid for.
"""

import base64
import binascii
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai
from django.conf import settings

from imaging import pictures
from imaging.exceptions import PictureRefused, ProviderError, ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.pictures import Picture

MAX_ANSWER_BYTES = 64 * 1024 * 1024
REFUSALS = frozenset({"moderation_blocked", "content_policy_violation", "invalid_image", "image_too_large"})
logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs each request
FIELDS = {"Accept-Encoding": "identity"}


class _Body(httpx2.SyncByteStream):
    """A response's body within its budget."""

    def __init__(self, stream: httpx2.SyncByteStream, ends_at: float) -> None:
        self._stream, self._ends_at = stream, ends_at

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.ReadError("the answer is too large")
            if time.monotonic() > self._ends_at:
                raise httpx2.ReadTimeout("the answer took too long")
            yield piece

    def close(self) -> None:
        self._stream.close()


class _Bounded(httpx2.BaseTransport):
    """One exchange, with its deadline."""

    def __init__(self) -> None:
        self._inner = httpx2.HTTPTransport(trust_env=False, retries=0)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        ends_at = time.monotonic() + settings.OPENAI_SECONDS
        response = self._inner.handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise httpx2.RemoteProtocolError("the answer is compressed, which was not asked for")
        assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101 - for the type checker
        body = _Body(response.stream, ends_at)
        return httpx2.Response(response.status_code, headers=response.headers, stream=body)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def opened() -> Iterator[openai.OpenAI]:
    """A client for one call. Raises `ProviderError` without a key."""
    if not settings.OPENAI_API_KEY:
        raise ProviderError("There is no key for OpenAI: set OPENAI_API_KEY.")
    with httpx2.Client(transport=_Bounded(), trust_env=False, follow_redirects=False) as http:
        yield openai.OpenAI(
            api_key=settings.OPENAI_API_KEY,
            base_url=settings.OPENAI_BASE_URL,
            max_retries=0,
            timeout=settings.OPENAI_SECONDS,
            default_headers=FIELDS,
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
