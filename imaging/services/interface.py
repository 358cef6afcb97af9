"""What a service is: a class that a setting names, which does one thing and says what that took."""

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

from common.ids import uuid7
from common.outbound.deadline import Switch

Given_contra = TypeVar("Given_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)
Given = TypeVar("Given")
Made = TypeVar("Made")


class Exchange:
    """How one call of a provider goes on its way: what can cut it, and what keeps its answer.

    An answer may have been paid for. So a service gives its bytes to `keep` as soon as they have arrived, and uses what
    `kept` has, if it has something, instead of asking the provider. This class keeps nothing; that of a job does.
    """

    def __init__(self) -> None:
        self.switch = Switch()
        self.call_id = uuid7()  # the id of the call's record
        self.seconds: float | None = None  # how long the provider took, if that is known

    def begin(self) -> None:
        """Called before the service runs. Raises `GatewayError` if no call may be made."""

    def kept(self) -> bytes | None:
        """The provider's answer, if it has arrived before."""
        return None

    def keep(self, answer: bytes) -> None:
        """Keeps the provider's answer."""


@dataclass
class Usage:
    """What a service says of one call, for its record. `cost_microdollars` are millionths of a US dollar."""

    model: str = ""
    model_version: str = ""
    prompt: str = ""
    prompt_version: str = ""
    answer: Any = ""  # JSON, without pictures
    input_tokens: int = 0
    output_tokens: int = 0
    cost_microdollars: int = 0
    exchange: Exchange = field(default_factory=Exchange)

    def recorded(self) -> dict[str, Any]:
        """The members of the record that come from here."""
        members = vars(self) | {"answer": json.dumps(self.answer, ensure_ascii=False)}
        del members["exchange"]
        return members


class Service(Protocol[Given_contra, Made_co]):
    """One way to do one thing.

    A provider that costs money also has `most_microdollars()`: what one call costs at most. That much is reserved.
    """

    provider: str  # who answers; `local` is this machine

    def run(self, given: Given_contra, usage: Usage) -> Made_co:
        """Does it, and fills `usage` as far as it got. Raises `GatewayError`."""

    def info(self) -> dict[str, Any]:
        """What `GET /ai/info/` says of it: model, version, limits. It calls nobody."""


@dataclass(frozen=True)
class Kind(Generic[Given, Made]):
    """A kind of service, and the setting that names its class."""

    name: str
    setting: str
    makes_picture: bool = False

    def chosen(self) -> Service[Given, Made]:
        """The service of the setting."""
        return cast("Service[Given, Made]", _made(str(getattr(settings, self.setting))))


@cache
def _made(path: str) -> Any:
    return import_string(path)()
