"""What a service is: a class that a setting names, which does one thing and says what that took."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

Given_contra = TypeVar("Given_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)
Given = TypeVar("Given")
Made = TypeVar("Made")


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


class Service(Protocol[Given_contra, Made_co]):
    """One way to do one thing."""

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

    def chosen(self) -> Service[Given, Made]:
        """The service of the setting."""
        return cast("Service[Given, Made]", _made(str(getattr(settings, self.setting))))


@cache
def _made(path: str) -> Any:
    return import_string(path)()
