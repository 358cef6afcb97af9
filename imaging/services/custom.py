"""One's own model server draws the picture: `/ai/generated/v2/`.

The protocol: one POST to IMAGE_SERVER_URL with the JPEG file as the body (`Content-Type: image/jpeg`). The header field
`X-Description` has the description, as a percent-encoded text in UTF-8, and `Authorization: Bearer …` the key, if there
is one. The answer is a 200 whose body is the new picture: JPEG, PNG, WebP or GIF, recognized by its bytes. The optional
fields `X-Model` and `X-Model-Version` of the answer go into the log. 422 refuses the picture, 429 is a used-up quota.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import budget
from imaging import pictures
from imaging.exceptions import PictureRefused, ProviderError, ProviderQuota, ProviderRefused, ProviderTimeout
from imaging.services.interface import Kind, Usage

if TYPE_CHECKING:
    from imaging.pictures import Picture
    from imaging.services.image_generation import Draft
    from imaging.services.interface import Exchange

CONNECT_SECONDS = 5.0
HEAD_BYTES = 64 * 1024
_MODEL_FIELDS = {"model": "X-Model", "model_version": "X-Model-Version"}
_MAX_NAME = 100  # characters


class ModelServer:
    """One's own model server."""

    provider = "custom"

    def run(self, given: Draft, usage: Usage) -> Picture:
        """Draws the picture. Raises `ProviderError`."""
        usage.model, usage.prompt = "unnamed", given.description
        answer = usage.exchange.kept()
        if answer is None:
            answer = _ask(given, usage.exchange)
            usage.exchange.keep(answer)
        head, _, data = answer.partition(b"\n")
        named: dict[str, str] = orjson.loads(head)
        usage.model, usage.model_version = named["model"] or usage.model, named["model_version"]
        usage.cost_microdollars = self.most_microdollars()
        usage.answer = {"bytes": len(data)}
        try:
            return pictures.read(data)
        except PictureRefused as exc:
            raise ProviderError("The model server's answer is no readable picture.") from exc

    def most_microdollars(self) -> int:
        """The price of a picture."""
        return round(settings.IMAGE_SERVER_PRICE * 1_000_000)

    def info(self) -> dict[str, Any]:
        """Whether there is one, and the price of a picture."""
        return {"is_set": bool(settings.IMAGE_SERVER_URL), "dollars_per_picture": settings.IMAGE_SERVER_PRICE}


def _ask(given: Draft, exchange: Exchange) -> bytes:
    """The names of the model as a line of JSON, then the picture's bytes. Raises `ProviderError`."""
    if not settings.IMAGE_SERVER_URL:
        raise ProviderError("There is no model server for v2: set IMAGE_SERVER_URL, or use v1.")
    most = settings.IMAGE_MAX_BYTES
    seconds = settings.IMAGE_SERVER_SECONDS
    limits = budget(seconds, connect=CONNECT_SECONDS, most_bytes=most + HEAD_BYTES, switch=exchange.switch)
    session = sessions.model_providers()
    request = session.prepared("POST", settings.IMAGE_SERVER_URL, _fields(given), given.picture.data)
    try:
        with closing(session.send(request, stream=True, timeout=limits)) as response:
            if response.status_code != requests.codes.ok:
                raise _error(response.status_code)
            names = {name: response.headers.get(field, "")[:_MAX_NAME] for name, field in _MODEL_FIELDS.items()}
            return orjson.dumps(names) + b"\n" + bodies.read_body(response, most)
    except requests.Timeout as exc:
        raise ProviderTimeout(f"The model server did not answer within {seconds:g} s (IMAGE_SERVER_SECONDS).") from exc
    except requests.RequestException as exc:
        raise ProviderError(f"The model server's answer can't be used ({type(exc).__name__}).") from exc


def _fields(given: Draft) -> dict[str, str]:
    key = {"Authorization": f"Bearer {settings.IMAGE_SERVER_KEY}"} if settings.IMAGE_SERVER_KEY else {}
    description = quote(given.description[:4000], safe=" ,.")
    return {"Content-Type": pictures.CONTENT_TYPE, "Accept": "image/*", "X-Description": description, **key}


def _error(status: int) -> ProviderError:
    if status == requests.codes.unprocessable:
        return ProviderRefused("The model server refuses this picture.")
    if status == requests.codes.too_many:
        return ProviderQuota("The model server is busy. Try again later.")
    return ProviderError(f"The model server answered HTTP {status}.")


CUSTOM_GENERATION: Kind[Draft, Picture] = Kind("image_generation", "IMAGE_DRAWER_V2", makes_picture=True)
