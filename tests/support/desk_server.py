"""A scripted server for desk photos: the caller's picture, OpenAI's image edits, and one's own model server.

And services that need no weights: a process that is told to use them (`settings_of`) classifies and describes at once.
"""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from PIL import Image

from imaging.pictures import Picture
from imaging.services.desk_classify import Classification, Label
from imaging.services.interface import Usage
from imaging.services.product_search import Product
from imaging.services.vision2text import Description, Seen
from tests.support import malformed_pictures
from tests.support.model import Conversation, ScriptedModel

DESK = malformed_pictures.saved(Image.new("RGB", (96, 64), "peru"), "JPEG")  # synthetic: one colour
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
            conversation.answer(numbered(path), head=b"Content-Type: image/jpeg\r\n")
            return
        picture = _jpeg_in(conversation.body)
        with self._lock:
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
    """The picture at a path such as `/7.jpg`; each number has a colour of its own."""
    digits = "".join(filter(str.isdigit, path)) or "0"
    number = int(digits)
    return malformed_pictures.saved(Image.new("RGB", (96, 64), (number % 256, number // 256 % 256, 90)), "PNG")


def settings_of(server: DeskServer) -> dict[str, Any]:
    """The settings of a gateway that uses the server, and services without weights."""
    return {
        "IMAGE_HOSTS": server.url,
        "IMAGE_CLASSIFIER": "tests.support.desk_server.AlwaysADesk",
        "IMAGE_DESCRIBER": "tests.support.desk_server.OneSentence",
        "IMAGES_PRODUCT_SEARCH": "tests.support.desk_server.OneProduct",
        "IMAGE_DRAWER": "imaging.services.image_generation.OpenAIEdits",
        "OPENAI_API_KEY": "sk-synthetic",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_IMAGE_INPUT_PRICE": "10",
        "OPENAI_IMAGE_OUTPUT_PRICE": "40",
        "IMAGE_SERVER_URL": f"{server.url}/draw",
        "IMAGES_DAILY_COST_LIMIT": "1000",
    }


def _jpeg_in(body: bytes) -> bytes:
    """The picture in a form or in a body."""
    start = body.find(b"\xff\xd8\xff")
    end = body.rfind(b"\xff\xd9")
    return body[start : end + 2]


class AlwaysADesk:
    """Every picture is a desk, except a blue one."""

    provider = "local"

    def run(self, given: Picture, usage: Usage) -> Classification:
        """Classifies at once."""
        usage.model, usage.model_version = "always-a-desk", "1"
        red, _, blue = given.image.resize((1, 1)).tobytes()
        found = Classification(blue < 200 or red > 100, 0.9, (Label("desk", 0.9),), (Label("desk", 0.9),))
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
