"""A scripted server for desk photos: the caller's picture, OpenAI's image edits, and one's own model server.

And services that need no weights: a process that is told to use them (`settings_of`) classifies and describes at once.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from PIL import Image

from imaging.exceptions import ProviderError, ProviderQuota
from imaging.services.desk_classify import Classification, Label
from imaging.services.product_search import Product
from imaging.services.vision2text import Description
from tests.support import malformed_pictures
from tests.support.model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.test import Client

    from imaging.pictures import Picture
    from imaging.services.interface import Usage
    from imaging.services.vision2text import Seen
    from tests.support.model import Conversation

V1, V2, JOBS = "/ai/generated/v1/", "/ai/generated/v2/", "/ai/jobs/"
NO_DESK = "0.jpg"  # black: `AlwaysADesk` takes it for none
BITS, BAR = 12, 8
DRAWN = malformed_pictures.saved(Image.new("RGB", (96, 64), "red"), "PNG")
USAGE = {"input_tokens": 400, "output_tokens": 1000, "total_tokens": 1400}
CALL_COST = 44_000  # microdollars, at the prices of `settings_of`


class DeskServer:
    """Counts the paid calls by the picture's name: the n-th picture has a colour of its own."""

    def __init__(self) -> None:
        self.server = ScriptedModel()
        self.server.script = self._answer
        self.paid: Counter[bytes] = Counter()  # calls by the picture's bytes
        self.answered: Counter[bytes] = Counter()  # of these, those whose answer was sent whole
        self.before_picture: Callable[[], None] = lambda: None
        self.before_answer: Callable[[], None] = lambda: None
        self.on_paid: Callable[[bytes, int, int], None] = lambda *_: None  # a picture, its calls and answers so far
        self.picture: Callable[[str], bytes] = numbered  # the picture at a path
        self.drawn: Callable[[Conversation], None] | None = None  # answers instead of a picture
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return self.server.url

    def close(self) -> None:
        """Stops it."""
        self.server.close()

    def _answer(self, conversation: Conversation) -> None:
        path = conversation.line.split()[1]
        if not path.startswith(("/v1/images", "/draw")):
            self.before_picture()
            conversation.answer(self.picture(path), head=b"Content-Type: image/jpeg\r\n")
            return
        picture = _jpeg_in(conversation.body)
        with self._lock:
            self.on_paid(picture, self.paid[picture], self.answered[picture])
            self.paid[picture] += 1
        self.before_answer()
        if self.drawn is not None:
            self.drawn(conversation)
        elif path == "/draw":
            conversation.answer(DRAWN, head=b"Content-Type: image/png\r\nX-Model: own\r\nX-Model-Version: 3\r\n")
        else:
            data = {"created": 1, "data": [{"b64_json": base64.b64encode(DRAWN).decode()}], "usage": USAGE}
            conversation.answer(json.dumps(data).encode())
        with self._lock:
            self.answered[picture] += 1


def numbered(path: str) -> bytes:
    """The picture at a path such as `/7.jpg`: bars for the bits of the number, so that no two are equal as JPEG."""
    number = int("".join(filter(str.isdigit, path)) or "0")
    image = Image.new("RGB", (BITS * BAR, 64))
    for bit in range(BITS):
        if number >> bit & 1:
            image.paste((255, 255, 255), (bit * BAR, 0, (bit + 1) * BAR, 64))
    return malformed_pictures.saved(image, "PNG")


def settings_of(url: str) -> dict[str, Any]:
    """The settings of a gateway that uses the server at this URL, and services without weights."""
    return {
        "IMAGE_HOSTS": url,
        "IMAGE_CLASSIFIER": "tests.support.desk_server.AlwaysADesk",
        "IMAGE_DESCRIBER": "tests.support.desk_server.OneSentence",
        "IMAGES_PRODUCT_SEARCH": "tests.support.desk_server.OneProduct",
        "IMAGE_DRAWER": "imaging.services.image_generation.OpenAIEdits",
        "OPENAI_API_KEY": "sk-synthetic",
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_IMAGE_INPUT_PRICE": "10",
        "OPENAI_IMAGE_OUTPUT_PRICE": "40",
        "IMAGE_SERVER_URL": f"{url}/draw",
        "IMAGES_DAILY_COST_LIMIT": "1000",
    }


def _jpeg_in(body: bytes) -> bytes:
    """The picture in a form or in a body."""
    start = body.find(b"\xff\xd8\xff")
    end = body.rfind(b"\xff\xd9")
    return body[start : end + 2]


class AlwaysADesk:
    """Every picture is a desk, except `NO_DESK`."""

    provider = "local"

    def run(self, given: Picture, usage: Usage) -> Classification:
        """Classifies at once."""
        usage.model, usage.model_version = "always-a-desk", "1"
        is_desk = given.image.convert("L").resize((1, 1)).tobytes()[0] > 8
        found = Classification(is_desk, 0.9 if is_desk else 0.1, (Label("desk", 0.9),), (Label("desk", 0.9),))
        usage.answer = found.described()
        return found

    def info(self) -> dict[str, Any]:
        """Its model."""
        return {"model": "always-a-desk"}


class OneSentence:
    """Describes every picture in the same way."""

    provider = "local"

    def run(self, given: Seen, usage: Usage) -> Description:
        """Describes at once."""
        usage.model, usage.model_version = "one-sentence", "1"
        return Description("It shows a desk.", ("책상", "마우스"), "nothing")

    def info(self) -> dict[str, Any]:
        """Its model."""
        return {"model": "one-sentence"}


class OneProduct:
    """Finds one product for each keyword."""

    provider = "local"

    def run(self, given: str, usage: Usage) -> tuple[Product, ...]:
        """Finds it at once."""
        usage.model = "one-product"
        return (
            Product(f"{given} 1", "21990", "shop", "https://shop.example/1", "https://shop.example/1.jpg", given, ""),
        )

    def info(self) -> dict[str, Any]:
        """Its model."""
        return {"model": "one-product"}


class NoProducts(OneProduct):
    """Fails at the first keyword only."""

    provider = "shop"

    def run(self, given: str, usage: Usage) -> tuple[Product, ...]:
        """Fails for the first keyword, and finds something for others."""
        if given == "책상":
            raise ProviderError("The shop failed.")
        return super().run(given, usage)


class NoQuota(OneProduct):
    """Has no calls left."""

    provider = "shop"

    def run(self, given: str, usage: Usage) -> tuple[Product, ...]:
        """Raises `ProviderQuota`."""
        raise ProviderQuota("The shop's quota is used up.")


def post(gateway: Client, desks: DeskServer, picture: str = "1.jpg", path: str = V1, **fields: Any) -> Any:
    """Starts a job with a picture of the server."""
    body = json.dumps({"image_url": f"{desks.url}/{picture}"})
    return gateway.generic("POST", path, body, content_type="application/json", **fields)


def put(gateway: Client, desks: DeskServer, job_id: UUID, picture: str = "1.jpg", **fields: Any) -> Any:
    """Starts a job with an id of the caller's own."""
    body = json.dumps({"image_url": f"{desks.url}/{picture}"})
    return gateway.generic("PUT", f"{V1}{job_id}/", body, content_type="application/json", **fields)
