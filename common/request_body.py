"""Reads request bodies, and negotiates content."""

from collections.abc import Iterable
from typing import Any, BinaryIO

from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from common.conf import settings
from common.exceptions import BadInput, BodyTooLarge, NotJSONMedia, WrongMethod

FORM = "multipart/form-data"
MAX_LENGTH_DIGITS = 18  # digits of a Content-Length; Python refuses to parse very long numbers


def require_method(request: HttpRequest, *methods: str) -> None:
    """Raises `WrongMethod` with the methods that the path accepts."""
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise WrongMethod(f"This path takes {allowed}.", headers={"Allow": allowed})


def read_body(request: HttpRequest | Request, *, may_be_empty: bool = False, may_be_form: bool = False) -> bytes:
    """The body's bytes, unparsed. Refuses a wrong media type or a declared size too large before reading.

    Raises `NotJSONMedia`, `BodyTooLarge` or `BadInput`.
    """
    declared = _declared_size(request)
    _refuse_size(declared)
    must_have_media = bool(declared) or not may_be_empty
    if must_have_media:
        _require_media(request, may_be_form=may_be_form)
    body = _read(request.META, declared)
    _refuse_size(len(body))
    if len(body) < declared:
        raise BadInput("The body ended early.")
    if body and not must_have_media:
        _require_media(request, may_be_form=may_be_form)
    return body


def _declared_size(request: HttpRequest | Request) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
        raise BadInput("The Content-Length can't be used.")
    return int(length)


def _read(environ: dict[str, Any], declared: int) -> bytes:
    stream = environ["wsgi.input"]
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and not environ.get("CONTENT_LENGTH"):
        return _chunked(stream)
    try:
        return bytes(stream.read(declared))
    except OSError as exc:
        raise BadInput("The body ended early.") from exc


def _chunked(stream: BinaryIO) -> bytes:
    """A chunked body, which Django does not read. An empty one is an aborted upload."""
    body = stream.read(settings.MAX_BODY_BYTES + 1)
    if not body:
        raise BadInput("The body ended before its first chunk.")
    return bytes(body)


def _refuse_size(size: int) -> None:
    if size > settings.MAX_BODY_BYTES:
        raise BodyTooLarge(f"The body may have at most {settings.MAX_BODY_BYTES} bytes (MAX_BODY_BYTES).")


def _require_media(request: HttpRequest | Request, *, may_be_form: bool) -> None:
    media = request.META.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if media != "application/json" and not (_is_json(media) or (may_be_form and media == FORM)):
        form = f" or {FORM}" if may_be_form else ""
        raise NotJSONMedia(f"Send the body with Content-Type: application/json{form}.")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in {"", "identity"}:
        raise NotJSONMedia("Send the body without a Content-Encoding.")


def _is_json(media: str) -> bool:
    return media.startswith("application/") and media.endswith("+json")


class UnreadParser(BaseParser):
    """Does not read the body: views read its bytes. The framework would parse it to find a form's CSRF token."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Returns no data."""
        return {}


class JSONOnly(BaseContentNegotiation):
    """Always selects the first renderer and ignores `Accept`."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        """A parser that does not read."""
        return UnreadParser()

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
